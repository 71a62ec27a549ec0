/**
 * The calls that an app server makes to a client, on the client's own connection. It exists before
 * the client that answers them.
 */
import type { Delivery } from '../../protocol/rpc/contract/deliveries.js';
import type { ClientReport } from '../../protocol/rpc/contract/figures.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { Dispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import { clientLog } from './locate.js';

interface Answering {
  /** What it throws, the sender gets. */
  deliver(delivery: Delivery): void;
  report(): ClientReport;
}

export class IncomingCalls {
  /** Set by the client before it presents itself. */
  client: Answering | undefined;
  readonly dispatcher = new Dispatcher<typeof CONTRACT, undefined>(
    CONTRACT,
    {
      'client.deliver': ([delivery]) => {
        this.#client().deliver(delivery);
        return true;
      },
      'client.report': () => this.#client().report(),
    },
    { log: clientLog },
  );

  #client(): Answering {
    if (this.client !== undefined) return this.client;
    throw new MirrorflowError('CLOSED', 'this client has not presented itself');
  }
}
