/**
 * Asks SpecTcl's REST service for the bins of a spectrum's x axis, which say whether its first and
 * last channel are under- and overflow. The console and the thread of the app server that fits call
 * it. Opens a connection for one request.
 */
import { connectSpecTclRest } from './rest-connection.js';

const REST_TIMEOUT_MS = 3_000;

/**
 * Undefined without an answer, and for a source that is no SpecTcl: then all channels count as in
 * range.
 */
export async function axisBinsOf(source: string | undefined, name: string): Promise<number | undefined> {
  if (source?.startsWith('spectcl:') !== true) return undefined;
  try {
    const rest = await connectSpecTclRest(source, REST_TIMEOUT_MS);
    try {
      return (await rest.spectra()).find((spectrum) => spectrum.name === name)?.axes[0]?.bins;
    } finally {
      rest.close();
    }
  } catch {
    return undefined;
  }
}
