/**
 * The formats of files that spectra are saved in. Command line, web server and page offer them.
 * Constants only.
 */
export const SAVE_FORMATS = ['swrite', 'spe', 'csv', 'json', 'npz'] as const;
export type SaveFormat = (typeof SAVE_FORMATS)[number];

interface FormatFacts {
  readonly extension: string;
  readonly mediaType: string;
  /** Whether one file can hold several spectra. */
  readonly holdsSeveral: boolean;
  readonly isText: boolean;
}

export const FORMAT_FACTS: Readonly<Record<SaveFormat, FormatFacts>> = {
  swrite: { extension: 'spec', mediaType: 'text/plain', holdsSeveral: true, isText: true },
  spe: { extension: 'spe', mediaType: 'application/octet-stream', holdsSeveral: false, isText: false },
  csv: { extension: 'csv', mediaType: 'text/csv', holdsSeveral: false, isText: true },
  json: { extension: 'json', mediaType: 'application/json', holdsSeveral: true, isText: true },
  npz: { extension: 'npz', mediaType: 'application/zip', holdsSeveral: true, isText: false },
};

export function isSaveFormat(text: unknown): text is SaveFormat {
  return SAVE_FORMATS.some((format) => format === text);
}
