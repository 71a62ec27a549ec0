/**
 * `mirrorflow gateway check`: sends what CutiePie and SpecTcl's own clients ask, to SpecTcl and to
 * the gateway, and prints both answers in a table.
 *
 * `commands/gateway.ts` calls it. Opens connections to both services; requests nothing that changes
 * SpecTcl. The traces that it establishes are ended again.
 */
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { parseAddress } from '../../protocol/base/address.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { encodeRequestUpdate } from '../../protocol/spectcl/mirror-messages.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import type { CommandContext } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { withClient } from '../servers.js';

/** For each answer of either service. */
const TIMEOUT_MS = 10_000;
const REQUEST_UPDATE = encodeRequestUpdate();

/** How the answers of the two services compare. `own`: the gateway's answer must differ. */
type Comparison = 'equal' | 'own' | 'changing';

/** Requests of CutiePie and Xamine, and of SpecTcl's Tcl and Python clients. */
const REQUESTS: readonly (readonly [request: string, comparison: Comparison])[] = [
  ['version', 'equal'],
  ['shmem/size', 'equal'],
  ['shmem/key', 'own'],
  ['shmem/variables', 'changing'],
  ['mirror', 'own'],
  ['spectrum/list?filter=*', 'equal'],
  ['sbind/list?pattern=*', 'equal'],
  ['gate/list?pattern=*', 'equal'],
  ['apply/list?pattern=*', 'equal'],
  ['/parameter/list?filter=*', 'equal'],
  ['parameter/listnew', 'equal'],
  ['parameter/version', 'equal'],
  ['treeparameter/list?pattern=*', 'equal'],
  ['treevariable/list?pattern=*', 'equal'],
  ['rawparameter/list?pattern=*', 'equal'],
  ['pseudo/list?pattern=*', 'equal'],
  ['fold/list?pattern=*', 'equal'],
  ['fit/list?pattern=*', 'equal'],
  ['filter/list?pattern=*', 'equal'],
  ['attach/list?pattern=*', 'equal'],
  ['evbunpack/list?pattern=*', 'equal'],
  ['pman/ls?pattern=*', 'equal'],
  ['pman/current', 'equal'],
  ['pman/lsall?pattern=*', 'equal'],
  ['pman/lsevp?pattern=*', 'equal'],
  ['roottree/list?pattern=*', 'equal'],
  ['ringformat/get', 'equal'],
  ['specstats?pattern=*', 'changing'],
  ['spectrum/contents?name=NAME', 'changing'],
  ['trace/establish?retention=6', 'own'],
  ['trace/fetch?token=TOKEN', 'changing'],
  ['trace/done?token=TOKEN', 'equal'],
];

interface Service {
  readonly host: string;
  readonly restPort: number;
  readonly mirrorPort: number;
}

interface Answer {
  readonly text: string;
  /** Distinguishes answers; undefined for no answer. */
  readonly digest: string | undefined;
  readonly ok: boolean;
  readonly milliseconds: number;
  readonly detail: unknown;
}

interface Row {
  readonly request: string;
  readonly source: string;
  readonly gateway: string;
  readonly result: 'same' | 'ok' | 'different' | 'worse';
  readonly sourceMs: number;
  readonly gatewayMs: number;
}

/**
 * Prints the table. Resolves with `failed` when the gateway answers a request worse than SpecTcl.
 */
export async function checkGateway(context: CommandContext, app: string | undefined): Promise<ExitCode> {
  const { source: address, gateway } = await withClient(context, app, (client) => client.appInfo());
  if (gateway?.state !== 'running' || gateway.restPort === undefined || gateway.mirrorPort === undefined) {
    throw new MirrorflowError(
      'NOT_RUNNING',
      `the application has no running gateway: ${gateway?.cause ?? 'none is configured'}`,
    );
  }
  if (address === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      'the mirror of this host comes from another host; check the gateway there',
    );
  }
  const source = await sourceService(address, context.signal);
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[gateway.host ?? ''] ?? gateway.host ?? '127.0.0.1';
  const rows = await compareServices(source, {
    host,
    restPort: gateway.restPort,
    mirrorPort: gateway.mirrorPort,
  });
  const { output } = context;
  if (output.json) output.value(rows);
  else {
    output.table(
      [
        { header: 'request' },
        { header: 'SpecTcl' },
        { header: 'ms', align: 'right' },
        { header: 'gateway' },
        { header: 'ms', align: 'right' },
        { header: 'result' },
      ],
      rows.map(({ request, source: atSource, sourceMs, gateway: atGateway, gatewayMs, result }) => [
        request,
        atSource,
        sourceMs.toFixed(1),
        atGateway,
        gatewayMs.toFixed(1),
        result,
      ]),
      '',
    );
  }
  return rows.some(({ result }) => result === 'worse' || result === 'different') ? EXIT.failed : EXIT.success;
}

async function sourceService(address: string, signal: AbortSignal): Promise<Service> {
  const { host, rest, mirror, user } = parseAddress(address, { schemes: ['spectcl'] });
  const port = (service: number | string): number | Promise<number> =>
    typeof service === 'number' ? service : lookUpService(host, service, user, { signal });
  return { host, restPort: await port(rest), mirrorPort: await port(mirror) };
}

async function compareServices(source: Service, gateway: Service): Promise<Row[]> {
  const rows: Row[] = [];
  let name = '';
  const tokens = { source: '', gateway: '' };
  for (const [template, comparison] of REQUESTS) {
    const at = (service: Service, token: string): Promise<Answer> =>
      askRest(service, template.replace('NAME', encodeURIComponent(name)).replace('TOKEN', token));
    const atSource = await at(source, tokens.source);
    const atGateway = await at(gateway, tokens.gateway);
    if (template.startsWith('sbind/list')) name = firstName(atSource.detail);
    if (template.startsWith('trace/establish')) {
      tokens.source = String(atSource.detail);
      tokens.gateway = String(atGateway.detail);
    }
    rows.push(rowOf(template, comparison, atSource, atGateway));
  }
  const updates = [await askMirror(source), await askMirror(gateway)] as const;
  rows.push(rowOf('mirror service: REQUEST_UPDATE', 'changing', ...updates));
  return rows;
}

function rowOf(request: string, comparison: Comparison, source: Answer, gateway: Answer): Row {
  const same = source.digest === gateway.digest && source.digest !== undefined;
  // The gateway may answer what SpecTcl does not, but not the other way round.
  const isWorse = source.ok && !gateway.ok;
  const isDifferent = comparison === 'equal' && source.ok && !same;
  const result = isWorse ? 'worse' : isDifferent ? 'different' : same ? 'same' : 'ok';
  return {
    request,
    source: source.text,
    gateway: gateway.text,
    result,
    sourceMs: source.milliseconds,
    gatewayMs: gateway.milliseconds,
  };
}

function firstName(detail: unknown): string {
  const [first] = Array.isArray(detail) ? (detail as { readonly name?: unknown }[]) : [];
  return typeof first?.name === 'string' ? first.name : '';
}

function askRest({ host, restPort }: Service, name: string): Promise<Answer> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const fail = (error: unknown): void => resolve(noAnswer(error, startMs));
    const request = httpRequest(
      { host, port: restPort, path: `/spectcl/${name}`, timeout: TIMEOUT_MS, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('error', fail);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = Buffer.concat(chunks);
          const encoding = response.headers['content-encoding'];
          const milliseconds = performance.now() - startMs;
          resolve({ ...readAnswer(response.statusCode ?? 0, body, encoding), milliseconds });
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', fail);
    request.end();
  });
}

function readAnswer(
  httpStatus: number,
  body: Buffer,
  encoding: string | undefined,
): Omit<Answer, 'milliseconds'> {
  const size = `${body.byteLength} bytes`;
  if (encoding !== undefined) {
    return {
      text: `${httpStatus} ${encoding}, ${size}`,
      digest: digestOf(body),
      ok: httpStatus === 200,
      detail: undefined,
    };
  }
  try {
    const { status, detail } = JSON.parse(body.toString()) as {
      readonly status: string;
      readonly detail?: unknown;
    };
    return {
      text: `${httpStatus} ${status.slice(0, 40)}, ${size}`,
      digest: digestOf(JSON.stringify([httpStatus, status, detail])),
      ok: httpStatus === 200 && status === 'OK',
      detail,
    };
  } catch {
    return { text: `${httpStatus}, no envelope`, digest: String(httpStatus), ok: false, detail: undefined };
  }
}

/** One update. The connection is reset after it: after an end, SpecTcl may keep its thread. */
function askMirror({ host, mirrorPort }: Service): Promise<Answer> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port: mirrorPort, timeout: TIMEOUT_MS });
    let header = Buffer.alloc(0);
    let received = 0;
    socket.on('connect', () => socket.write(REQUEST_UPDATE));
    socket.on('data', (chunk) => {
      received += chunk.byteLength;
      if (header.byteLength < 8) header = Buffer.concat([header, chunk]).subarray(0, 8);
      if (header.byteLength < 8 || received < header.readUInt32LE(0)) return;
      const text = `type ${header.readUInt32LE(4)}, ${received - 8} bytes`;
      socket.resetAndDestroy();
      resolve({ text, digest: text, ok: true, milliseconds: performance.now() - startMs, detail: undefined });
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
    socket.on('error', (error) => resolve(noAnswer(error, startMs)));
    socket.on('close', () => resolve(noAnswer(new Error('closed without an update'), startMs)));
  });
}

function noAnswer(error: unknown, startMs: number): Answer {
  const milliseconds = performance.now() - startMs;
  return {
    text: describeError(error).slice(0, 60),
    digest: undefined,
    ok: false,
    milliseconds,
    detail: undefined,
  };
}

function digestOf(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
