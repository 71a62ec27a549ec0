/**
 * The address of the web viewer, once it serves; it starts beside everything else and may take a
 * moment longer.
 */
import { connectHost } from '../../client-lib/index.js';
import { pause } from '../interruption.js';

const DEADLINE_MS = 5_000;
const LOOK_MS = 50;

/** Undefined when there is none, or it does not serve in time. */
export async function webAddress(directory: string, signal: AbortSignal): Promise<string | undefined> {
  if (process.env['MIRRORFLOW_WEB'] === 'off') return undefined;
  const host = await connectHost({ directory });
  try {
    const deadlineMs = performance.now() + DEADLINE_MS;
    while (!signal.aborted && performance.now() < deadlineMs) {
      const { web } = await host.info();
      if (web !== undefined) return web;
      await pause(LOOK_MS, signal);
    }
    return undefined;
  } finally {
    void host.close();
  }
}
