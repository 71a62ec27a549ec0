/**
 * Claims the provider role of a flow at its duplicator: at most one client writes a flow at a time.
 * Used by output flows when they open and when they reattach. Opens the link's socket and maps the
 * flow file for writing.
 */
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import type { LinkSignal } from '../../protocol/rpc/contract/option-members.js';
import { systemClock } from '../../protocol/base/clock.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import { chooseLink } from '../link/link-choice.js';
import { Handshake, type JoinedLink } from '../link/handshake.js';
import type { OutputRules } from './output-options.js';

/**
 * The app server gives the role to the next client when its provider's session has closed; the
 * duplicator may notice the end of that provider's link a little later.
 */
const CLAIM_ATTEMPTS = 50;
const CLAIM_RETRY_MS = 20;

export interface ProviderClaim {
  readonly file: FlowFile;
  readonly link: JoinedLink;
}

/** What a provider that reattaches was before; its buffers keep their generation then. */
export interface EarlierClaim {
  readonly epoch: number;
  readonly generation: number;
}

/**
 * Joins the link as the provider; one that reattaches continues its own buffers. Throws FLOW_BUSY
 * when another provider keeps the role for a second, CLOSED when the duplicator was replaced
 * meanwhile, and as `Handshake.join`.
 */
export async function claimProvider(
  opened: OpenedFlow,
  { stallTimeoutMs, signal }: OutputRules,
  earlier?: EarlierClaim,
): Promise<ProviderClaim> {
  const { flow } = opened;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const claim = await claimOnce(opened, signal, earlier);
      if (stallTimeoutMs !== undefined) {
        claim.link.connection.signal(MessageKind.STALL, Math.round(stallTimeoutMs));
      }
      return claim;
    } catch (error) {
      if (!isMirrorflowError(error, 'FLOW_BUSY')) throw error;
      if (attempt === CLAIM_ATTEMPTS) {
        const message = `the flow ${flow} has a provider already: close that one first`;
        throw new MirrorflowError('FLOW_BUSY', message, { flow }, error);
      }
      await new Promise((resolve) => setTimeout(resolve, CLAIM_RETRY_MS));
    }
  }
}

async function claimOnce(
  opened: OpenedFlow,
  signal: LinkSignal | undefined,
  earlier: EarlierClaim | undefined,
): Promise<ProviderClaim> {
  const { flow, handle, file: filePath } = opened;
  const { path, transport } = chooseLink(opened, signal, systemClock);
  const link = await new Handshake(path, systemClock, transport).join({
    client: handle,
    hello: {
      role: 'provider',
      delivery: 'lossless',
      start: earlier === undefined ? 'latest' : 'sequence',
    },
    ...(earlier === undefined ? {} : { start: { sequence: earlier.generation, epoch: earlier.epoch } }),
  });
  try {
    const file = openFlowFile(filePath, 'read-write');
    if (file.epoch === link.epoch) return { file, link };
    const message = `the duplicator of flow ${flow} was replaced while its provider attached: open the flow again`;
    throw new MirrorflowError('CLOSED', message, { flow });
  } catch (error) {
    link.connection.destroy();
    throw error;
  }
}
