/** Stands in until the flow reader is merged. */
import { EventEmitter } from 'eventemitter3';
import type { OpenedFlow } from '../protocol/contract/shapes.js';

export interface InputFlowOptions {
  readonly history?: number;
}

export class InputFlow extends EventEmitter<{ closed: [] }> {
  async close(): Promise<void> {
    this.emit('closed');
  }
}

export async function openInputFlow(_opened: OpenedFlow, _options: InputFlowOptions): Promise<InputFlow> {
  return new InputFlow();
}
