/** Rules of accessibility for the tests of browser/: what axe-core finds on a page. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What axe reports of one page: rule and element. */
export async function violationsOn(page: Page): Promise<string[]> {
  if ((await page.evaluate('window.axe === undefined')) === true) await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run(document)')) as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
}
