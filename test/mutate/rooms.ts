/**
 * The rooms whose compiled modules a mutation run changes, and the tests that must notice it. Used
 * by the mutation run. Pure.
 */

export interface MutatedRoom {
  readonly name: string;
  /** Folder of its modules, below `dist`. */
  readonly folder: string;
  /**
   * Tests of the room, files and folders below `dist/test`; tests of the module itself run first.
   */
  readonly tests: readonly string[];
}

export const ROOMS: readonly MutatedRoom[] = [
  { name: 'flow-file', folder: 'protocol/flow/flow-file', tests: ['protocol/flow/flow-file'] },
  { name: 'history', folder: 'client-lib/input/history', tests: ['client-lib/input/history'] },
  { name: 'credit', folder: 'duplicator/serving', tests: ['duplicator/serving', 'duplicator/remote'] },
  { name: 'recovery', folder: 'duplicator/recovery', tests: ['duplicator/recovery'] },
  { name: 'wire', folder: 'protocol/flow/wire', tests: ['protocol/flow/wire', 'duplicator/remote'] },
  {
    name: 'xml-rpc',
    folder: 'protocol/rpc/xml-rpc',
    tests: ['protocol/rpc/xml-rpc', 'host-server/peers/peers.test.js'],
  },
  {
    name: 'security',
    folder: 'protocol/rpc/security',
    tests: ['protocol/rpc/security', 'protocol/rpc/xml-rpc/http-authentication.test.js'],
  },
];
