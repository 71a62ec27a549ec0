/**
 * Answers the request that keeps a layout of plots, or removes one. `ApiRequests` calls it. Changes
 * the store of `Applications`.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { formatAddress, parseAddress } from '../view/plot-spec.js';
import { isLayoutName, LAYOUT_ADDRESS_CHARACTERS_MAX } from '../wire/layout.js';
import { checkedApp, parsedBody } from './request-words.js';
import type { Applications, MaySee } from './applications.js';
import { isLayout } from './layouts.js';

/** Largest body of a request. */
export const LAYOUT_BODY_BYTES_MAX = 2 * LAYOUT_ADDRESS_CHARACTERS_MAX;

/**
 * Keeps the layout in `body`, an object of `app`, `name` and `address` (the address of a page from
 * its `#` on), or removes it where `address` is null. Throws BAD_OPTION, UNKNOWN_APPLICATION and
 * what the store throws.
 */
export async function setLayout(applications: Applications, maySee: MaySee, body: string): Promise<object> {
  const { app, name, address } = parsedBody(body, 'a layout');
  if (typeof app !== 'string' || !isLayoutName(name)) {
    throw new MirrorflowError('BAD_OPTION', 'a layout names its app, and itself with 1 to 40 characters');
  }
  const checked = await checkedApp(applications, maySee, app);
  if (address === null) {
    applications.layouts.set(checked, name, undefined);
    return { layout: null };
  }
  const layout = { address: typeof address === 'string' ? canonical(checked, address) : '' };
  if (!isLayout(layout)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the address of a layout has plots and at most ${LAYOUT_ADDRESS_CHARACTERS_MAX} characters`,
      { name },
    );
  }
  applications.layouts.set(checked, name, layout);
  return { layout };
}

/** The address without what no page understands; empty where it has no plots. */
function canonical(app: string, address: string): string {
  const { columns, plots } = parseAddress(address.slice(0, LAYOUT_ADDRESS_CHARACTERS_MAX + 1));
  return plots.length === 0 ? '' : formatAddress({ view: 'spectra', app, columns, atMs: undefined, plots });
}
