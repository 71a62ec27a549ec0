/**
 * What every flow of a duplicator tells out of its host and its file, whatever fills it; zeros and
 * empty lists before these are there.
 */
import { EventEmitter } from 'eventemitter3';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { DuplicatedFlowEvents } from './duplicated-flow.js';
import type { FlowHost, LinkStanding, RemoteStanding } from './flow-host.js';

export interface HostedParts {
  readonly file: FlowFile;
  readonly host: FlowHost;
}

export abstract class HostedFlow extends EventEmitter<DuplicatedFlowEvents> {
  /** Undefined before the flow is made, and after its end. */
  protected abstract get hosted(): HostedParts | undefined;

  get clientCount(): number {
    return this.hosted?.host.clientCount ?? 0;
  }

  get links(): LinkStanding[] {
    return this.hosted?.host.links ?? [];
  }

  get remotes(): RemoteStanding[] {
    return this.hosted?.host.remotes.standings ?? [];
  }

  get published(): number {
    return this.hosted?.file.published ?? 0;
  }

  /** Passes on what the host tells of its clients, and counts them in the file. */
  protected follow({ file, host }: HostedParts): void {
    host.on('demoted', (client) => this.emit('demoted', client));
    host.on('clients', (count) => {
      file.setCounter(COUNTERS.clients.id, count);
      this.emit('clients', count);
    });
    host.on('consumers', (count) => file.setCounter(COUNTERS.consumers.id, count));
  }
}
