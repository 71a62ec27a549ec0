/**
 * The names of models and backgrounds, apart from what they do: pages and command lines offer them
 * without loading the rest. Constants only.
 */

/**
 * `gauss`; `germanium`: with a tail towards low energy and a step; `emg`: exponentially modified
 * Gauss, as of alpha lines; `none`: only a background.
 */
export const MODEL_NAMES = ['gauss', 'germanium', 'emg', 'none'] as const;
export type ModelName = (typeof MODEL_NAMES)[number];

/** Degrees of polynomials, or an exponential. */
export const BACKGROUND_NAMES = ['none', '0', '1', '2', '3', 'exponential'] as const;
export type BackgroundName = (typeof BACKGROUND_NAMES)[number];
