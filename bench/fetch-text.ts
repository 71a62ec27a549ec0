/**
 * Requests of SpecTcl's REST service, each over a connection of its own, as SpecTcl's C++ client
 * sends them. Used by the benchmark `gateway`. Opens TCP connections.
 */
import { get } from 'node:http';

/** The body of an answer of SpecTcl's REST service, over a connection of its own. */
export async function fetchText(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: `/spectcl/${request}`, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
      response.on('error', reject);
    }).on('error', reject);
  });
}
