/**
 * A connection to a NATS server that reconnects for ever. Called by the NATS process of a host, by
 * duplicators that receive over NATS, and by tests. Opens a TCP or TLS connection; reads the files
 * of credentials and authorities; loads the packages of NATS.
 */
import type { Authenticator, ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { Backoff, type BackoffLimits } from '../base/backoff.js';
import type { Clock } from '../base/clock.js';
import { describeError, MirrorflowError } from '../base/errors.js';
import { InterruptibleWait } from '../base/interruptible-wait.js';
import type { Logger } from '../base/log.js';
import { readTlsTrust } from '../rpc/security/tls.js';
import { formatNatsAddress, natsServer, type NatsAddress } from './address.js';
import { readNatsCredentials } from './credentials.js';
import { natsTransport } from './packages.js';
import { NatsSubjects } from './subjects.js';

/** How a NATS server is reached. */
export interface NatsAccess {
  readonly address: NatsAddress;
  /** The name of this site in subjects. */
  readonly site: string;
  /** Absolute path; undefined: the server asks for no proof. */
  readonly credentialsFile?: string | undefined;
  /** True: TLS, and nothing else. False: no TLS, unless the server demands it. */
  readonly tls: boolean;
  /** PEM file of authorities; undefined: Node's own list. */
  readonly tlsCaFile?: string | undefined;
}

export interface NatsConnecting {
  /** Shown by the server: `mirrorflow HOST publisher`. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the attempts; a connection that is open is closed by its user. */
  readonly signal: AbortSignal;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** A cut without an error is noticed after two of these. */
const PING_INTERVAL_MS = 5_000;
const PINGS_OUT_MAX = 2;
const RECONNECT: BackoffLimits = { firstMs: 100, maxMs: 2_000 };

/**
 * Resolves with the first connection, however long that takes; undefined when aborted before. It
 * reconnects for ever, also after refusals: a server may be restarted with other permissions.
 */
export async function connectNatsForever(
  access: NatsAccess,
  { name, clock, log, signal }: NatsConnecting,
): Promise<NatsConnection | undefined> {
  const backoff = new Backoff(RECONNECT);
  const wait = new InterruptibleWait(clock, signal);
  const address = formatNatsAddress(access.address);
  let reported = '';
  while (!signal.aborted) {
    try {
      const connection = await connectNats(access, name);
      if (!signal.aborted) {
        log.info('connected to NATS', { address });
        void logStatus(connection, address, log);
        return connection;
      }
      await connection.close();
    } catch (error) {
      const cause = describeError(error);
      if (cause !== reported) log.warn('NATS is unreachable; trying again', { address, cause });
      reported = cause;
      await wait.wait(backoff.next());
    }
  }
  return undefined;
}

/**
 * One attempt; the connection reconnects for ever. Rejects with SOURCE_UNREACHABLE, SOURCE_REFUSED
 * for credentials that the server does not accept, or BAD_OPTION for a file.
 */
export async function connectNats(access: NatsAccess, name: string): Promise<NatsConnection> {
  const { connect } = await natsTransport();
  const backoff = new Backoff(RECONNECT);
  const options = await connectionOptions(access, name, backoff);
  const server = natsServer(access.address);
  try {
    const connection = await connect(options);
    void resetWhenConnected(connection, backoff);
    return connection;
  } catch (thrown) {
    const cause = describeError(thrown);
    // Recognised by name: classes differ between copies of the package.
    const isRefused = thrown instanceof Error && /^(Authorization|UserAuthentication)/.test(thrown.name);
    throw isRefused
      ? new MirrorflowError(
          'SOURCE_REFUSED',
          `the NATS server ${server} refuses ${describeProof(access)}: ${cause}; check the credentials and the users of the server`,
          { server },
          thrown,
        )
      : new MirrorflowError(
          'SOURCE_UNREACHABLE',
          `the NATS server ${server} cannot be reached${access.tls ? ' over TLS' : ''}: ${cause}; check address, port and TLS`,
          { server },
          thrown,
        );
  }
}

async function connectionOptions(
  access: NatsAccess,
  name: string,
  backoff: Backoff,
): Promise<ConnectionOptions> {
  const { address, site, tls, tlsCaFile } = access;
  const authenticator = await readAuthenticator(access);
  const { ca } = readTlsTrust(tls ? tlsCaFile : undefined);
  return {
    servers: [natsServer(address)],
    name,
    inboxPrefix: new NatsSubjects(address.prefix, site).inbox,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: () => backoff.next(),
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_OUT_MAX,
    // Servers of a cluster announce addresses that a firewall or a tunnel may hide.
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
    ...(tls && { tls: { ...(ca !== undefined && { ca }) } }),
    ...(authenticator !== undefined && { authenticator }),
  };
}

async function readAuthenticator({ credentialsFile }: NatsAccess): Promise<Authenticator | undefined> {
  if (credentialsFile === undefined) return undefined;
  const credentials = readNatsCredentials(credentialsFile);
  const nats = await natsTransport();
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  switch (credentials.kind) {
    case 'user':
      return nats.usernamePasswordAuthenticator(credentials.user, credentials.password);
    case 'token':
      return nats.tokenAuthenticator(credentials.token);
    case 'nkey':
      return nats.nkeyAuthenticator(bytes(credentials.seed));
    case 'creds':
      return nats.credsAuthenticator(bytes(credentials.text));
    default:
      return credentials satisfies never;
  }
}

function describeProof({ credentialsFile }: NatsAccess): string {
  return credentialsFile === undefined ? 'a connection without credentials' : `the ${credentialsFile}`;
}

async function resetWhenConnected(connection: NatsConnection, backoff: Backoff): Promise<void> {
  for await (const { type } of connection.status()) if (type === 'reconnect') backoff.reset();
}

async function logStatus(connection: NatsConnection, address: string, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') log.warn('NATS is unreachable; reconnecting', { address });
    else if (status.type === 'reconnect') log.info('connected to NATS again', { address });
    else if (status.type === 'error')
      log.warn('NATS reported an error', { address, cause: status.error.message });
  }
}
