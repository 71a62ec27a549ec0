/**
 * The environment of a child process. Node reads the certificates of NODE_EXTRA_CA_CERTS at every
 * start, which takes twice as long as the rest of the start; and the C library keeps up to 5 MiB
 * that were used once for each of Node's threads. The programs of this package trust only the
 * certificates of their options, so they get that variable under another name, and they get limits
 * for the C library's memory. Other programs get back what the user has set. Used wherever a
 * process is started. Pure.
 */
type Environment = Readonly<Record<string, string | undefined>>;

const CERTIFICATES = 'NODE_EXTRA_CA_CERTS';
const CERTIFICATES_RENAMED = 'MIRRORFLOW_NODE_EXTRA_CA_CERTS';

/** Options of the C library, malloc(3): one pool for all threads, whose free end is given back. */
const ALLOCATOR = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '524288' };
/** Names those that this module has set. */
const ALLOCATOR_SET = 'MIRRORFLOW_MALLOC';

/** What programs of this package have in addition to the user's environment. */
export function allocatorLimits(env: Environment): Record<string, string> {
  const limits = Object.entries(ALLOCATOR).filter(([name]) => env[name] === undefined);
  if (limits.length === 0) return {};
  return { ...Object.fromEntries(limits), [ALLOCATOR_SET]: limits.map(([name]) => name).join(',') };
}

/** For a program of this package. */
export function ownChildEnvironment(env: Environment): NodeJS.ProcessEnv {
  return { ...renamed(env, CERTIFICATES, CERTIFICATES_RENAMED), ...allocatorLimits(env) };
}

/** For any other program. */
export function foreignChildEnvironment(env: Environment): NodeJS.ProcessEnv {
  const { [ALLOCATOR_SET]: set = '', ...rest } = renamed(env, CERTIFICATES_RENAMED, CERTIFICATES);
  const names = set.split(',');
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !names.includes(name)));
}

function renamed(env: Environment, from: string, to: string): NodeJS.ProcessEnv {
  const { [from]: value, ...rest } = env;
  return value === undefined ? rest : { ...rest, [to]: value };
}
