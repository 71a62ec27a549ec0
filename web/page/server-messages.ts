/**
 * What each message of the server changes on the page: data go into `PageState`, whose listeners
 * draw them, answers to the object that asked. `ViewerPage` passes on every message. No I/O, but
 * loads the page again where the server is of another release.
 */
import type { ServerMessage } from '../wire/messages.js';
import type { Moments } from './moments.js';
import type { NetworkView } from './network-view.js';
import type { Notices } from './notices.js';
import type { PageState, Topic } from './page-state.js';
import type { Subscriptions } from './subscriptions.js';
import type { Travel } from './travel.js';

/** The objects whose questions the server answers. */
export interface AnswerReceivers {
  readonly subscriptions: Subscriptions;
  readonly travel: Travel;
  readonly moments: Moments;
  readonly network: NetworkView;
  readonly notices: Notices;
}

/** What happens when a list has arrived, before its listeners are notified. */
export interface ListEvents {
  applicationsListed(): void;
  spectraListed(): void;
}

/** Data of one application. */
type ApplicationMessage = Extract<ServerMessage, { readonly app: string }>;

export class ServerMessages {
  readonly #state: PageState;
  readonly #receivers: AnswerReceivers;
  readonly #events: ListEvents;

  constructor(state: PageState, receivers: AnswerReceivers, events: ListEvents) {
    this.#state = state;
    this.#receivers = receivers;
    this.#events = events;
  }

  received(message: ServerMessage): void {
    const state = this.#state;
    const { subscriptions, travel, moments, network, notices } = this.#receivers;
    switch (message.kind) {
      case 'welcome':
        // The server is of another release than this page, which its address restores.
        if (state.welcome !== undefined && state.welcome.page !== message.page) return location.reload();
        state.welcome = message;
        return state.notify('connection');
      case 'applications':
        state.hostServer = message.hostServer;
        state.applications = message.applications;
        this.#events.applicationsListed();
        return state.notify('applications');
      case 'status':
        if (message.status.app !== state.app) return undefined;
        state.status = message.status;
        return state.notify('status');
      case 'network':
        state.picture = message.picture;
        return state.notify('network');
      case 'missing':
        return subscriptions.missing(message.id, message.reason);
      case 'remembered':
        return moments.answered(message.request, message.atMs);
      case 'refused':
        return notices.show(message.error);
      case 'answer':
        return network.answered(message.request, message.error);
      case 'timeline':
      case 'moment':
        return travel.received(message);
      default: {
        if (message.app !== state.app) return undefined;
        return state.notify(this.#keep(message));
      }
    }
  }

  /** Data of the application that is shown; returns their topic. */
  #keep(message: Exclude<ApplicationMessage, { readonly kind: 'timeline' | 'moment' }>): Topic {
    const state = this.#state;
    switch (message.kind) {
      case 'list':
        state.liveSpectra = message.spectra;
        this.#events.spectraListed();
        return 'list';
      case 'gates':
        state.liveGates = message.gates;
        state.allowChanges = message.allowChanges;
        return 'gates';
      case 'run':
        state.run = message.run ?? undefined;
        return 'run';
      case 'layouts':
        state.layouts = message.layouts;
        return 'layouts';
      case 'calibrations':
        state.calibrations = message.calibrations;
        return 'gates';
      case 'trends':
        state.trends = message.trends;
        state.trendProblem = message.problem;
        return 'trends';
      case 'trend-values':
        state.trendValues = message;
        return 'trend-values';
      case 'alarms':
        state.alarms = message.alarms;
        return 'alarms';
      case 'replay':
        state.replay = message.replay ?? undefined;
        return 'replay';
      default:
        return message satisfies never;
    }
  }
}
