/**
 * The public surface of the client library: everything that `import 'mirrorflow'` gives a program.
 * Whatever is not exported here may change without notice.
 */
export { connect, type ConnectOptions } from './session/connect.js';
export { Client, SPECTRA_FLOW, type AppInfo, type SpecTclMirrors } from './session/client.js';
export type { SendTarget } from './session/client-events.js';
export type { SendResult } from '../protocol/rpc/contract/deliveries.js';
export type { FlowStatus } from './session/openings.js';
export type { Attributes, AttributeType, MessageClass } from './messages/message-class.js';
export type { MessageHandler, MessageOrigin, MessageWaitOptions } from './messages/inbox.js';
export { connectHost, HostConnection, type HostInfo } from './session/host-connection.js';
export { Mirror, type PublicationMeta } from './mirror/mirror.js';
export {
  getSpecTclMemory,
  MIRROR_ERRORS,
  type MirrorError,
  type SpecTclMemory,
} from './session/spectcl-memory.js';
export { SpectraView, Spectrum, type Binding, type Channels } from './mirror/spectra.js';
export { OutputFlow, type ReachedMark } from './output/output-flow.js';
export type { CommitOptions, OutputSlot, WaitOptions } from './output/output-slot.js';
export type { OutputFlowOptions } from './output/output-options.js';
export { InputFlow } from './input/input-flow.js';
export type { BorrowedBytes } from './types/borrowed-bytes.js';
export type { FlowBuffer, OwnedBuffer, PolledBuffer } from './input/flow-buffer.js';
export type { FlowControlMarks } from './input/flow-control-marks.js';
export type { InputFlowOptions } from './input/input-options.js';
export type { FlowLayer, FlowType, Layer, LayerProperties, Placed } from './types/flow-type.js';
export { TypedBuffer } from './types/typed-buffer.js';
export type { TypedInputFlow } from './input/typed-input-flow.js';
export type { TypedOutputFlow, TypedOutputOptions, TypedSlot } from './output/typed-output-flow.js';
export {
  array,
  type ArrayKind,
  type ArrayOf,
  type ArrayType,
  type NumericBuffer,
  type Shape,
  type Shaped,
} from './types/array.js';
export { bytes, type BytesBuffer } from './types/bytes.js';
export { compressed, type CompressedOptions } from './types/compressed.js';
export { json, type JsonBuffer, type JsonOptions } from './types/json.js';
export { MirrorflowError, isMirrorflowError, type ErrorCode } from '../protocol/base/errors.js';
export type {
  ApplicationInfo,
  ApplicationOptions,
  ClientInfo,
  FlowInfo,
} from '../protocol/rpc/contract/shapes.js';
export type { HostOnNetwork } from '../protocol/rpc/contract/hosts.js';
export type {
  ApplicationStatistics,
  FlowConsumer,
  NetworkStatus,
  ProgramInfo,
} from '../protocol/rpc/contract/statistics.js';
