/**
 * A flow that a local provider fills: the flow file with a seat for the provider, served to its
 * consumers.
 */
import type { AddressOf } from '../../protocol/base/address.js';
import { inodeOf, releasePath } from '../../protocol/base/files/claim.js';
import { systemClock, wallClockNs } from '../../protocol/base/clock.js';
import type { Served } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { Logger } from '../../protocol/base/log.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import type { DuplicatedFlow, FlowPlaces } from '../serving/duplicated-flow.js';
import { FlowHost } from '../serving/flow-host.js';
import { prepareFlowPaths } from '../serving/flow-paths.js';
import { HostedFlow, type HostedParts } from '../serving/hosted-flow.js';
import { listenOnLink } from '../serving/listen.js';
import type { LocalFlowOptions } from '../options.js';
import { Serving, type ServedFlow } from '../remote/serving.js';
import { readPredecessorState, obtainFlowFile } from '../recovery/obtain-file.js';

interface Parts extends HostedParts {
  readonly inode: bigint | undefined;
  readonly link: string;
}

export class LocalFlow extends HostedFlow implements DuplicatedFlow {
  readonly #options: LocalFlowOptions;
  readonly #log: Logger;
  readonly #serving: Serving;
  #parts: Parts | undefined;
  #state: SourceState = 'starting';

  constructor(options: LocalFlowOptions, log: Logger) {
    super();
    this.#options = options;
    this.#log = log;
    this.#serving = new Serving(options.security, systemClock, log, () => this.#served);
  }

  async start(): Promise<void> {
    const { app, flow, type, flowDirectory, bufferSize, buffers, properties } = this.#options;
    const { path, link, access } = prepareFlowPaths(this.#options, this.#log);
    const wanted = {
      path,
      identity: { application: app, flow, type, properties },
      slotCount: buffers,
      payloadCapacity: bufferSize,
      flags: 0,
      ...access.of('flow file'),
    };
    const inherited = await readPredecessorState(path, this.#log);
    const { file, expected, takenOver } = obtainFlowFile(wanted, flowDirectory, inherited, this.#log);
    const inode = inodeOf(file.path);
    const links = streamLink().createServer({ socketMode: access.of('socket').mode });
    const { reattachMs, stallTimeoutMs } = this.#options;
    const host = new FlowHost({
      file,
      links,
      openSlots: 0,
      local: true,
      expected,
      reattachMs,
      stallTimeoutMs,
      log: this.#log,
    });
    this.follow({ file, host });
    host.on('provider', (what) => {
      const gone = `the provider of flow ${flow} has gone without ending it`;
      if (what === 'died') this.#setState('stale', new MirrorflowError('CLOSED', gone, { flow }));
      else this.#setState(what === 'came' ? 'live' : 'ended');
    });
    try {
      access.grant(path, 'flow file', takenOver);
      await listenOnLink(links, link);
      access.grant(link, 'socket');
    } catch (error) {
      // What was published in a file that was taken over is not this start's to give up.
      if (inode !== undefined && !takenOver) releasePath(file.path, inode);
      throw error;
    }
    this.#parts = { file, inode, host, link };
    // Its provider may be on the way back; until then what consumers have is the last there is.
    if (takenOver && file.published > 0) this.#setState('stale');
  }

  get #served(): ServedFlow | undefined {
    return this.#parts === undefined ? undefined : { ...this.#parts, history: undefined };
  }

  protected get hosted(): HostedParts | undefined {
    return this.#parts;
  }

  get sourceState(): SourceState {
    return this.#state;
  }

  expectAtMost(consumers: number): void {
    this.#parts?.host.expectAtMost(consumers);
  }

  get places(): FlowPlaces {
    const parts = this.#parts;
    if (parts === undefined) throw new Error('the flow is not there yet');
    const { payloadCapacity, slotCount } = parts.file.geometry;
    return { file: parts.file.path, link: parts.link, bufferSize: payloadCapacity, buffers: slotCount };
  }

  get type(): string {
    return this.#options.type;
  }

  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<Served> {
    return this.#serving.serve(listen);
  }

  async close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    if (parts === undefined) return;
    this.#serving.close();
    parts.host.setSourceState('ended', Number(wallClockNs()));
    if (parts.inode !== undefined) releasePath(parts.file.path, parts.inode);
    await parts.host.close();
  }

  #setState(state: SourceState, cause?: MirrorflowError): void {
    this.#state = state;
    this.#parts?.host.setSourceState(state, Number(wallClockNs()));
    this.emit('state', state, cause);
  }
}
