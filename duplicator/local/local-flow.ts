/**
 * A flow that a provider on this host fills. The provider writes into the flow file itself; this
 * object makes the file, offers the provider role on the signal link, and keeps the source state
 * (`live` while a provider is connected). Used by the duplicator program (`--direction output`).
 */
import { systemClock, wallClockNs } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { FLOW_FLAGS, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { LocalFlowOptions } from '../options.js';
import { readPredecessorState } from '../recovery/obtain-file.js';
import { RemoteServer } from '../remote/remote-server.js';
import { DuplicatedFlow } from '../serving/duplicated-flow.js';
import { HostedFlow } from '../serving/hosted-flow.js';

export class LocalFlow extends DuplicatedFlow {
  protected readonly server: RemoteServer;
  readonly #options: LocalFlowOptions;
  readonly #log: Logger;
  #state: SourceState = 'starting';

  constructor(options: LocalFlowOptions, log: Logger) {
    super();
    this.#options = options;
    this.#log = log;
    this.server = new RemoteServer(options, systemClock, log, () => this.served);
  }

  async start(): Promise<void> {
    const { app, flow, type, flowDirectory, bufferSize, buffers, properties, signal } = this.#options;
    const datagrams = signal === 'datagram';
    const hosted = await HostedFlow.create(
      this.#options,
      {
        identity: { application: app, flow, type, properties },
        slotCount: buffers,
        payloadCapacity: bufferSize,
        flags: datagrams ? FLOW_FLAGS.datagrams : 0,
        localProvider: true,
        datagrams,
        hasImage: false,
        predecessor: await readPredecessorState(flowFilePath(flowDirectory, app, flow), this.#log),
        host: { openSlots: 0 },
      },
      systemClock,
      this.#log,
    );
    this.adopt(hosted);
    hosted.host.on('provider', (event) => {
      if (event === 'came') this.#setState('live');
      else if (event === 'left') this.#setState('ended');
      else this.#setState('stale', providerLost(flow));
    });
    // The predecessor's provider may reattach; until then consumers have the last data there are.
    if (hosted.file.published > 0) this.#setState('stale');
  }

  get sourceState(): SourceState {
    return this.#state;
  }

  get type(): string {
    return this.#options.type;
  }

  async close(): Promise<void> {
    await this.release();
  }

  #setState(state: SourceState, cause?: MirrorflowError): void {
    this.#state = state;
    this.hosted?.host.setSourceState(state, Number(wallClockNs()));
    this.emit('state', state, cause);
  }
}

function providerLost(flow: string): MirrorflowError {
  const message = `the provider of flow ${flow} disconnected without ending the flow`;
  return new MirrorflowError('CLOSED', message, { flow });
}
