/**
 * Receives the frames that carry no buffer (source state, granted delivery, signs of life, good
 * bye); they are the same for every kind of flow. Called by BufferSink and MirrorSink. Pure.
 */
import { FrameKind, type FrameHeader } from '../../protocol/flow/wire/frame.js';
import type { FlowSinkHooks } from './flow-sink.js';

/** Returns what is wrong with a frame that no sender of a flow sends. */
export function receiveControlFrame(
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
      hooks.senderClosed();
      return undefined;
    default:
      return `a frame of kind ${kind} arrived, which this flow does not have`;
  }
}
