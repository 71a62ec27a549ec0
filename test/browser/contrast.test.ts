/**
 * The contrast of every text on every page, light and dark, against the limits of WCAG 2.1 AA, by
 * the styles that the browser has computed.
 */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startsPages } from './page-system.js';
import { eventually } from '../kit/eventually.js';

/** WCAG 2.1, 1.4.3 and 1.4.11: small text, large text, and graphics. */
const TEXT_MIN = 4.5;
const LARGE_MIN = 3;
const GRAPHICS_MIN = 3;
const LARGE_PX = 24;
const LARGE_BOLD_PX = 18.66;
const BOLD = 700;

type Colour = readonly [red: number, green: number, blue: number, alpha: number];

interface Text {
  readonly text: string;
  readonly colour: string;
  /** Backgrounds of the element and its ancestors, innermost first. */
  readonly backgrounds: readonly string[];
  /** Product of the element's and its ancestors' opacity. */
  readonly opacity: number;
  readonly px: number;
  readonly weight: number;
}

/** Runs in the page: every visible text with its colours. */
const TEXTS = `(() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    // Text directly in a group of an SVG picture is not drawn.
    if (element instanceof SVGGElement) continue;
    if (text === '' || element.closest('option, noscript, script') || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest('[disabled], [aria-disabled=true]')) continue;
    const style = getComputedStyle(element);
    const inSvg = element.closest('svg') !== null;
    const backgrounds = [];
    let opacity = 1;
    for (let at = element; at !== null; at = at.parentElement) {
      const own = getComputedStyle(at);
      opacity *= Number(own.opacity);
      const frame = at.querySelector(':scope > .net-frame, :scope > .net-app');
      if (frame !== null) backgrounds.push(getComputedStyle(frame).fill);
      else if (!(at instanceof SVGElement)) backgrounds.push(own.backgroundColor);
    }
    texts.push({ text: text.slice(0, 40), colour: inSvg ? style.fill : style.color, backgrounds, opacity, px: parseFloat(style.fontSize), weight: Number(style.fontWeight) });
  }
  return texts;
})()`;

/** Runs in the page: the colours that canvases are drawn in. */
const PALETTE = `(() => {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement('i');
  document.body.append(probe);
  const colour = (name) => { probe.style.color = style.getPropertyValue(name); return getComputedStyle(probe).color; };
  const names = ['--ink', '--faint', '--gate', '--region', '--accent', ...Array.from({ length: 8 }, (_, at) => '--series-' + (at + 1))];
  const palette = { paper: colour('--plot'), colours: Object.fromEntries(names.map((name) => [name, colour(name)])) };
  probe.remove();
  return palette;
})()`;

function colourOf(text: string): Colour {
  const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
  return text === 'transparent' || text === 'none' ? [0, 0, 0, 0] : [red, green, blue, alpha];
}

function over(front: Colour, back: Colour): Colour {
  const mix = (a: number, b: number): number => a * front[3] + b * (1 - front[3]);
  return [mix(front[0], back[0]), mix(front[1], back[1]), mix(front[2], back[2]), 1];
}

/** Relative luminance of WCAG 2.1. */
function luminance([red, green, blue]: Colour): number {
  const linear = (value: number): number => {
    const part = value / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function contrast(one: Colour, other: Colour): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

function contrastOf({ colour, backgrounds, opacity }: Text): number {
  const canvas: Colour = [255, 255, 255, 1];
  const back = backgrounds
    .map(colourOf)
    .toReversed()
    .reduce((below, layer) => over(layer, below), canvas);
  const [red, green, blue, alpha] = colourOf(colour);
  return contrast(over([red, green, blue, alpha * opacity], back), back);
}

describe('contrast', function () {
  const start = startsPages();

  it('the measure of contrast is 21 for black on white, and exact at the limit for text', () => {
    expect(contrast([0, 0, 0, 1], [255, 255, 255, 1])).to.be.closeTo(21, 0.01);
    expect(contrast([119, 119, 119, 1], [255, 255, 255, 1])).to.be.below(TEXT_MIN);
    expect(contrast([118, 118, 118, 1], [255, 255, 255, 1])).to.be.above(TEXT_MIN);
  });

  async function weakOn(page: Page): Promise<string[]> {
    const texts = (await page.evaluate(TEXTS)) as Text[];
    expect(texts.length).to.be.above(5);
    return texts.flatMap((text) => {
      const large = text.px >= LARGE_PX || (text.px >= LARGE_BOLD_PX && text.weight >= BOLD);
      const ratio = contrastOf(text);
      return ratio >= (large ? LARGE_MIN : TEXT_MIN) ? [] : [`${text.text}: ${ratio.toFixed(2)}`];
    });
  }

  for (const dark of [false, true]) {
    it(`every text on every page has enough contrast (${dark ? 'dark' : 'light'})`, async () => {
      const { page, address, simulator, system } = await start({ dark, secret: true });
      const weak: Record<string, string[]> = {};
      await page.goto(`${address}#/e1?p=tof;g=A,0,500-600&p=pid.alpha&p=no-such-spectrum`);
      await page.locator('.plot[data-sequence]:not([data-sequence=""])').first().waitFor();
      await page.locator('.plot').first().focus();
      await page.keyboard.press('ArrowRight');
      await eventually(
        async () => /\d/.test((await page.locator('.region-gross').first().textContent()) ?? ''),
        'a region',
      );
      weak['spectra'] = await weakOn(page);
      const { paper, colours } = (await page.evaluate(PALETTE)) as {
        paper: string;
        colours: Record<string, string>;
      };
      weak['graphics'] = Object.entries(colours).flatMap(([name, colour]) => {
        const least = name === '--ink' || name === '--faint' ? TEXT_MIN : GRAPHICS_MIN;
        const ratio = contrast(colourOf(colour), colourOf(paper));
        return ratio >= least ? [] : [`${name}: ${ratio.toFixed(2)}`];
      });
      await page.keyboard.press('?');
      await page.locator('dialog').waitFor();
      weak['help'] = await weakOn(page);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.locator('dialog input').fill('wrong');
      await page.keyboard.press('Enter');
      await eventually(async () => (await page.locator('dialog .problem').textContent()) !== '', 'a problem');
      weak['sign in'] = await weakOn(page);
      await page.keyboard.press('Escape');
      await page.goto(`${address}#/-/network/e1`);
      await page.getByRole('button', { name: /^Flow spectra/ }).click();
      weak['network'] = await weakOn(page);
      await simulator.close();
      await page.getByRole('button', { name: /^Flow spectra, stale/ }).waitFor();
      weak['network, stale'] = await weakOn(page);
      await page.goto(`${address}#/e1?p=tof`);
      await page.locator('.pill[data-state="stale"]').waitFor();
      weak['stale'] = await weakOn(page);
      await system.host.stop('e1');
      await page.locator('.pill[data-state="stopped"]').waitFor();
      weak['stopped'] = await weakOn(page);
      expect(weak).to.deep.equal(Object.fromEntries(Object.keys(weak).map((name) => [name, []])));
    });
  }
});
