/**
 * Which layouts of plots are kept for all pages. `Applications` owns the only store
 * (`app-records.ts`), `layout-requests.ts` changes it. Pure.
 */
import { LAYOUT_ADDRESS_CHARACTERS_MAX, type Layout } from '../wire/layout.js';
import type { RecordKind } from './app-records.js';

/** By name of the layout. */
export const LAYOUTS: RecordKind<Layout> = { plural: 'layouts', recordsMax: 60, isValid: isLayout };

export function isLayout(value: unknown): value is Layout {
  if (typeof value !== 'object' || value === null) return false;
  const { address } = value as Readonly<Record<string, unknown>>;
  return (
    typeof address === 'string' && address.startsWith('#/') && address.length <= LAYOUT_ADDRESS_CHARACTERS_MAX
  );
}
