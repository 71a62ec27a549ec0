/**
 * Answers the calls that an app server makes to a client on the client's own session: deliveries
 * and requests for statistics. `connect` creates it before the client exists, since the session
 * needs it. Does no I/O.
 */
import type { Delivery } from '../../protocol/rpc/contract/deliveries.js';
import type { ClientReport } from '../../protocol/rpc/contract/statistics.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { Dispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import { clientLog } from '../client-log.js';

interface CallReceiver {
  /** Errors are sent back to the sender. */
  deliver(delivery: Delivery): void;
  report(): ClientReport;
}

export class IncomingCalls {
  /** Set by the client before it presents itself. */
  client: CallReceiver | undefined;
  readonly dispatcher = new Dispatcher<typeof CONTRACT, undefined>(
    CONTRACT,
    {
      'client.deliver': ([delivery]) => {
        this.#client().deliver(delivery);
        return true;
      },
      'client.report': () => this.#client().report(),
    },
    // Only the app server calls on a session that this program has opened to it.
    { log: clientLog, granted: () => 'child' },
  );

  #client(): CallReceiver {
    if (this.client !== undefined) return this.client;
    throw new MirrorflowError('CLOSED', 'this client is not presented to its app server yet');
  }
}
