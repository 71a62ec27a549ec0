/** A flow that another host's duplicator sends. */
import { EventEmitter } from 'eventemitter3';
import type { AddressOf } from '../../protocol/address.js';
import type { Clock } from '../../protocol/clock.js';
import type { Served } from '../../protocol/contract/shapes.js';
import { MirrorflowError } from '../../protocol/errors.js';
import type { SourceState } from '../../protocol/flow-file/layout.js';
import type { Logger } from '../../protocol/log.js';
import type { DuplicatedFlow, DuplicatedFlowEvents, FlowPlaces } from '../duplicated-flow.js';
import type { LinkStanding } from '../flow-host.js';
import type { RemoteFlowOptions } from '../options.js';
import { Serving } from './serving.js';

export class RemoteFlow extends EventEmitter<DuplicatedFlowEvents> implements DuplicatedFlow {
  readonly #options: RemoteFlowOptions;
  readonly #serving: Serving;
  readonly sourceState: SourceState = 'starting';
  readonly clientCount = 0;
  readonly published = 0;
  readonly links: LinkStanding[] = [];

  constructor(options: RemoteFlowOptions, _clock: Clock, _log: Logger) {
    super();
    this.#options = options;
    this.#serving = new Serving(options.security, options.flow);
  }

  start(): Promise<void> {
    return Promise.reject(new MirrorflowError('SYSTEM_ERROR', 'remote sources are not there yet'));
  }

  get places(): FlowPlaces {
    throw new Error('the flow is not there yet');
  }

  get type(): string {
    return this.#options.type ?? '';
  }

  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<Served> {
    return this.#serving.serve(listen);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
