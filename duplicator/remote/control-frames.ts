/** The frames that every receiver of a flow gets, whatever the flow is. */
import { FrameKind, type FrameHeader } from '../../protocol/flow/wire/frame.js';
import type { FlowSinkHooks } from './flow-sink.js';

/**
 * Hands a control frame on. Returns what is wrong with a frame that a sender of this flow does not
 * send.
 */
export function controlReceived(
  { kind, detail, value }: Readonly<FrameHeader>,
  hooks: FlowSinkHooks,
): string | undefined {
  switch (kind) {
    case FrameKind.STATE:
      hooks.state(detail, value);
      return undefined;
    case FrameKind.DELIVERY:
      hooks.delivery(detail);
      return undefined;
    case FrameKind.ALIVE:
      return undefined;
    case FrameKind.BYE:
      hooks.farewell();
      return undefined;
    default:
      return `a frame of kind ${kind} came, which this flow does not have`;
  }
}
