/**
 * A layout, an arrangement of plots that users keep under a name, with its limits. `messages.ts`
 * carries layouts; the server keeps them, the page shows them as tabs. Pure.
 */

/** A named arrangement of plots. */
export interface Layout {
  /** The address of the page, from its `#` on. */
  readonly address: string;
}

const LAYOUT_NAME_CHARACTERS_MAX = 40;
export const LAYOUT_ADDRESS_CHARACTERS_MAX = 16 * 1024;

/** Whether a layout may have this name: one line that is not blank. */
export function isLayoutName(name: unknown): name is string {
  if (typeof name !== 'string' || name.length > LAYOUT_NAME_CHARACTERS_MAX) return false;
  return name.trim() === name && /^[^\p{C}]+$/u.test(name);
}
