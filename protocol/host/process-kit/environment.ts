/**
 * The environment of a child process. Node reads the certificates of NODE_EXTRA_CA_CERTS at every
 * start, which takes twice as long as the rest of the start. The programs of this package trust
 * only the certificates of their options, so they get the variable under another name; other
 * programs get it back under its own. Used wherever a process is started. Pure.
 */
type Environment = Readonly<Record<string, string | undefined>>;

const CERTIFICATES = 'NODE_EXTRA_CA_CERTS';
const CERTIFICATES_RENAMED = 'MIRRORFLOW_NODE_EXTRA_CA_CERTS';

/** For a program of this package. */
export function ownChildEnvironment(env: Environment): NodeJS.ProcessEnv {
  return renamed(env, CERTIFICATES, CERTIFICATES_RENAMED);
}

/** For any other program. */
export function foreignChildEnvironment(env: Environment): NodeJS.ProcessEnv {
  return renamed(env, CERTIFICATES_RENAMED, CERTIFICATES);
}

function renamed(env: Environment, from: string, to: string): NodeJS.ProcessEnv {
  const { [from]: value, ...rest } = env;
  return value === undefined ? rest : { ...rest, [to]: value };
}
