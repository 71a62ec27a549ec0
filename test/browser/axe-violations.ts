/**
 * What axe-core finds wrong with a page for people who use a keyboard, a screen reader or large
 * text. Used by the tests of browser/. Runs a script in the page.
 */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Rule and element of each finding. */
export async function violationsOn(page: Page): Promise<string[]> {
  if ((await page.evaluate('window.axe === undefined')) === true) await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run(document)')) as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
}
