/**
 * The gates (conditions on events) of a SpecTcl simulator: those that it has at its start, and
 * their changes. Used by rest-service.ts and spectrum-store.ts. Pure.
 */
import type { ConditionLookup, GateDefinition } from './gate-condition.js';

const INITIAL_GATES: readonly GateDefinition[] = [
  { name: 'beam', type: 's', parameters: ['rf.tof'], low: -20, high: 60 },
  {
    name: 'alpha',
    type: 'c',
    parameters: ['si.e', 'si.de'],
    points: [
      { x: 12, y: 22 },
      { x: 40, y: 9 },
      { x: 90, y: 4.5 },
      { x: 90, y: 3 },
      { x: 38, y: 6 },
      { x: 11, y: 16 },
    ],
  },
  { name: 'alpha-in-beam', type: '*', gates: ['beam', 'alpha'] },
];

export class Gates implements ConditionLookup {
  readonly #gates = new Map(INITIAL_GATES.map((gate) => [gate.name, gate]));
  #revision = 0;

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  get all(): readonly GateDefinition[] {
    return [...this.#gates.values()];
  }

  get(name: string): GateDefinition | undefined {
    return this.#gates.get(name);
  }

  /** Adds a gate or replaces the one of this name; true when it was added. */
  set(gate: GateDefinition): boolean {
    const isNew = !this.#gates.has(gate.name);
    this.#gates.set(gate.name, gate);
    this.#revision += 1;
    return isNew;
  }

  /**
   * As SpecTcl deletes: the gate becomes one that no event passes, and what depends on it stays.
   * False when there is no such gate.
   */
  delete(name: string): boolean {
    if (!this.#gates.has(name)) return false;
    this.set({ name, type: 'F' });
    return true;
  }
}
