/**
 * Proves to a server, on a connection to it, that this process belongs to its system: by the token
 * in the server's file for children, which only its user may read. App servers, duplicators,
 * gateways and the web viewer do it on every connection, since a restarted server may have another
 * token. Reads the file, makes one call.
 */
import { MirrorflowError } from '../../base/errors.js';
import type { TokenPath } from '../../base/paths.js';
import { CONTRACT } from '../../rpc/contract/methods.js';
import { readToken } from '../../rpc/security/token-file.js';
import { callerOf, type Caller } from '../../rpc/xml-rpc/contract.js';

/** Throws NOT_PERMITTED when the file has no token, or another than the server's. */
export async function proveChild(session: Caller, tokenPath: TokenPath): Promise<void> {
  const token = readToken(tokenPath);
  if (token === undefined) {
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `the token for children ${tokenPath} cannot be read; run this program as the user of its server`,
      { tokenPath },
    );
  }
  await callerOf(CONTRACT, session)('child.prove', [token]);
}
