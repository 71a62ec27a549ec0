/**
 * Defines a flow type: the events of one trigger, a run number and a trigger mask before the hits.
 *
 * provider.js and consumer.js import it: the two sides of a typed flow share its definition.
 */
import { TypedBuffer, type FlowType } from 'mirrorflow';

const METADATA_BYTES = 16;

export interface DetectorEvents {
  readonly runNumber: number;
  /** One bit per trigger. */
  readonly triggerMask: number;
  /** Time in the low half of each word, amplitude in the high half. */
  readonly hits: Uint32Array;
}

export class DetectorBuffer extends TypedBuffer<DetectorEvents> {
  get runNumber(): number {
    return this.value.runNumber;
  }

  triggeredBy(bit: number): boolean {
    return ((this.value.triggerMask >>> bit) & 1) === 1;
  }

  protected interpret(bytes: Uint8Array): DetectorEvents {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    const [runNumber, triggerMask, hitCount] = words;
    const hits = words.subarray(METADATA_BYTES / 4);
    if (runNumber === undefined || triggerMask === undefined) throw new RangeError('it has no run number');
    if (hits.length !== hitCount) throw new RangeError(`it has ${hits.length} of ${hitCount ?? 0} hits`);
    return { runNumber, triggerMask, hits };
  }
}

export function detectorEvents(detector: string): FlowType<DetectorEvents, DetectorBuffer> {
  return {
    name: 'detector-events',
    properties: { detector },
    metadataBytes: METADATA_BYTES,
    encode({ runNumber, triggerMask, hits }, target) {
      const words = new Uint32Array(target.buffer, target.byteOffset, target.length >>> 2);
      words.set([runNumber, triggerMask, hits.length, 0]);
      words.set(hits, METADATA_BYTES / 4);
      return METADATA_BYTES + hits.byteLength;
    },
    decode: (below) => new DetectorBuffer(below),
  };
}
