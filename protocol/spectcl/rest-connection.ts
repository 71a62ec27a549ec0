/**
 * Finds the REST service of a SpecTcl source by the source's address: its port, or the service that
 * the port manager of its host knows. The web server and the console call it. Opens a connection
 * to the port manager where the address names a service.
 */
import { parseAddress } from '../base/address.js';
import { lookUpService } from './port-manager.js';
import { SpecTclRest } from './rest-client.js';

/** Throws BAD_ADDRESS for a source that is no SpecTcl, and what the look-up throws. */
export async function connectSpecTclRest(source: string, timeoutMs: number): Promise<SpecTclRest> {
  const { host, rest, user } = parseAddress(source, { schemes: ['spectcl'] });
  const port = typeof rest === 'number' ? rest : await lookUpService(host, rest, user, { timeoutMs });
  return new SpecTclRest({ host, port }, { timeoutMs });
}
