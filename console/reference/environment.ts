/**
 * The environment variables of all programs, with what each is for.
 *
 * The help topic, the man page and `docs/options.md` are made from it; a test compares it with the
 * sources. Data only.
 */
export interface EnvironmentVariable {
  readonly name: string;
  readonly meaning: string;
}

export const ENVIRONMENT: readonly EnvironmentVariable[] = [
  { name: 'MIRRORFLOW_DIR', meaning: 'runtime directory; as --directory' },
  { name: 'MIRRORFLOW_FLOW_DIR', meaning: 'directory of the flow files; as --flow-dir' },
  { name: 'MIRRORFLOW_PORT', meaning: 'port of the host server on 127.0.0.1; default 7390' },
  { name: 'MIRRORFLOW_WEB', meaning: 'address of the web viewer, or off; as --web of the host server' },
  { name: 'MIRRORFLOW_SECRET_FILE', meaning: 'file with the shared secret of the hosts; as --secret-file' },
  { name: 'MIRRORFLOW_TLS_CERT', meaning: 'certificate of this host, PEM; as --tls-cert' },
  { name: 'MIRRORFLOW_TLS_KEY', meaning: 'private key of the certificate, PEM; as --tls-key' },
  { name: 'MIRRORFLOW_TLS_CA', meaning: 'certificates of the authorities, PEM; as --tls-ca' },
  { name: 'MIRRORFLOW_LOG_LEVEL', meaning: 'lowest level that is logged: debug, info, warn or error' },
  { name: 'MIRRORFLOW_LOG_FORMAT', meaning: 'json or text; default: text on a terminal, else json' },
  { name: 'MIRRORFLOW_STATE_DIR', meaning: 'where viewer and recorders keep what outlives a restart' },
  {
    name: 'MIRRORFLOW_RECORDINGS',
    meaning: 'directories with recordings for the web viewer, separated by colons; as its --recordings',
  },
  { name: 'MIRRORFLOW_JSROOT', meaning: 'folder of the npm package jsroot, for the web viewer' },
  { name: 'MIRRORFLOW_APPLICATION', meaning: 'set for the programs of an application: its name' },
  {
    name: 'MIRRORFLOW_START_TIMEOUT',
    meaning: 'wait of a duplicator for the first answers of its source, in milliseconds; default 800',
  },
  {
    name: 'MIRRORFLOW_REATTACH',
    meaning: 'wait for the lossless consumers of a duplicator that died, in milliseconds; default 2,000',
  },
  {
    name: 'MIRRORFLOW_MEMORY_ACCESS',
    meaning: 'plain or atomic: how shared memory is accessed; default: what is proven for this Node',
  },
  {
    name: 'MIRRORFLOW_CODE_CACHE',
    meaning:
      'where servers keep their compiled code, or off; default: mirrorflow in the cache folder of the user',
  },
  {
    name: 'MIRRORFLOW_SPARE',
    meaning: 'off: app servers keep no duplicator that waits for the next flow',
  },
  { name: 'NO_COLOR', meaning: 'print without colours, whatever its value; as --no-colour' },
];

/** Variables that servers set for their children, and those of tests: they are not set by hand. */
export const INTERNAL_VARIABLES: readonly string[] = [
  'MIRRORFLOW_DUPLICATOR',
  'MIRRORFLOW_LAUNCH',
  'MIRRORFLOW_LOG_FILE',
  'MIRRORFLOW_MALLOC',
  'MIRRORFLOW_NODE_EXTRA_CA_CERTS',
  'MIRRORFLOW_RECOVERY',
];
