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
  /** Tests of the rooms that use this one, for what its own tests let through. */
  readonly further: readonly string[];
}

export const ROOMS: readonly MutatedRoom[] = [
  {
    name: 'flow-file',
    folder: 'protocol/flow/flow-file',
    tests: ['protocol/flow/flow-file'],
    further: ['duplicator/interrupted', 'duplicator/recovery', 'client-lib/output', 'client-lib/input'],
  },
  {
    name: 'history',
    folder: 'client-lib/input/history',
    tests: ['client-lib/input/history'],
    further: ['duplicator/interrupted', 'client-lib/input', 'client-lib/output/flow-model.test.js'],
  },
  {
    name: 'credit',
    folder: 'duplicator/serving',
    tests: ['duplicator/serving', 'duplicator/remote'],
    further: ['duplicator/interrupted', 'client-lib/output', 'client-lib/input', 'duplicator/mirror'],
  },
  {
    name: 'recovery',
    folder: 'duplicator/recovery',
    tests: ['duplicator/recovery'],
    further: ['duplicator/serving', 'duplicator/interrupted', 'duplicator/mirror/mirror-flow.test.js'],
  },
  {
    name: 'wire',
    folder: 'protocol/flow/wire',
    tests: ['protocol/flow/wire', 'duplicator/remote'],
    further: ['security/program-on-the-line.test.js'],
  },
  {
    name: 'xml-rpc',
    folder: 'protocol/rpc/xml-rpc',
    tests: ['protocol/rpc/xml-rpc', 'host-server/peers/peers.test.js'],
    further: ['app-server', 'security/program-on-the-line.test.js', 'security/end-of-host-server.test.js'],
  },
  {
    name: 'security',
    folder: 'protocol/rpc/security',
    tests: ['protocol/rpc/security', 'protocol/rpc/xml-rpc/http-authentication.test.js'],
    further: [
      'host-server/peers',
      'protocol/rpc/xml-rpc',
      'duplicator/remote',
      'web/server/sign-in.test.js',
      'security',
    ],
  },
];
