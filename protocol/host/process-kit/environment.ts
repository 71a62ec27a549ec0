/**
 * The environment that children get. Node reads the certificates of NODE_EXTRA_CA_CERTS at every
 * start, which takes twice as long as all the rest of its start; the programs of this package trust
 * none but those they are told, so it reaches them under another name, and the programs of others
 * under its own again.
 */
type Environment = Readonly<Record<string, string | undefined>>;

const CERTIFICATES = 'NODE_EXTRA_CA_CERTS';
const CERTIFICATES_KEPT = 'MIRRORFLOW_NODE_EXTRA_CA_CERTS';

/** For a program of this package. */
export function ownChildEnvironment(env: Environment): NodeJS.ProcessEnv {
  return moved(env, CERTIFICATES, CERTIFICATES_KEPT);
}

/** For a program that is none of this package's. */
export function foreignChildEnvironment(env: Environment): NodeJS.ProcessEnv {
  return moved(env, CERTIFICATES_KEPT, CERTIFICATES);
}

function moved(env: Environment, from: string, to: string): NodeJS.ProcessEnv {
  const { [from]: value, ...rest } = env;
  return value === undefined ? rest : { ...rest, [to]: value };
}
