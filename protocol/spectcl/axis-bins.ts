/**
 * Asks SpecTcl's REST service for its spectra, whose bins say whether the first and last channel of
 * an axis are under- and overflow. The console and the thread of the app server that fits call it.
 * Opens a connection for one request.
 */
import { connectSpecTclRest } from './rest-connection.js';
import type { SpecTclSpectrum } from './rest-shapes.js';

const REST_TIMEOUT_MS = 3_000;

/**
 * The bins of a spectrum's x axis. Undefined without an answer, and for a source that is no
 * SpecTcl: then all channels count as in range.
 */
export async function axisBinsOf(source: string | undefined, name: string): Promise<number | undefined> {
  return (await describedSpectra(source)).find((spectrum) => spectrum.name === name)?.axes[0]?.bins;
}

/** Empty without an answer, and for a source that is no SpecTcl. */
export async function describedSpectra(source: string | undefined): Promise<readonly SpecTclSpectrum[]> {
  if (source?.startsWith('spectcl:') !== true) return [];
  try {
    const rest = await connectSpecTclRest(source, REST_TIMEOUT_MS);
    try {
      return await rest.spectra();
    } finally {
      rest.close();
    }
  } catch {
    return [];
  }
}
