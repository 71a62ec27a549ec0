/**
 * Fuzz targets for requests of unknown programs: URLs of the gateway's REST service, and messages
 * of a page to the web viewer's server. Run by the fuzzer (see all.ts). Pure.
 */
import assert from 'node:assert/strict';
import { permissionOf } from '../../../gateway/rest/permissions.js';
import { readRequest } from '../../../gateway/rest/request.js';
import { globMatcher } from '../../../protocol/spectcl/glob.js';
import { COLUMNS_MAX, SUBSCRIPTIONS_MAX } from '../../../web/wire/subscription.js';
import { parsePageMessage } from '../../../web/wire/page-messages.js';
import type { FuzzTarget } from '../fuzzer.js';

const NAMES = [
  'spectrum/list',
  'sbind/list',
  'mirror',
  'exit',
  'gate/list',
  'trace/fetch',
  'nothing',
  '__proto__',
];
const PATTERNS = ['*', 'ge.*', '[a-z]*', '*a*a*a*a*b', '%5B', '\\', '[', 'x'.repeat(1_100)];
const SPECTRA = ['ge.00.Co-60', 'a'.repeat(64), '', '[', '\\*'];

export const gatewayRequests: FuzzTarget = {
  name: 'gateway-requests',
  dictionary: [
    '/spectcl/',
    '?',
    '#',
    '%',
    '%2',
    '%00',
    '&',
    '=',
    'pattern=',
    'filter=',
    '*',
    '[',
    ']',
    '-',
    '\\',
    '..',
    '//',
  ],
  generate: (random) => {
    const query =
      random() % 3 === 0 ? '' : `?pattern=${PATTERNS[random() % PATTERNS.length]}&x=${random() % 9}`;
    return Buffer.from(`/spectcl/${NAMES[random() % NAMES.length]}${query}`);
  },
  run: (input) => {
    const request = readRequest('GET', input.toString('latin1'));
    if ('body' in request) {
      assert(request.httpStatus >= 400);
      const { status } = JSON.parse(Buffer.from(request.body).toString()) as { status: unknown };
      assert.equal(typeof status, 'string');
      return;
    }
    const { name, query } = request;
    permissionOf(name);
    const isSelected = globMatcher(query.get('pattern') ?? '*');
    for (const text of SPECTRA) isSelected(text);
  },
};

export const pageMessages: FuzzTarget = {
  name: 'page-messages',
  dictionary: ['"kind":', '"show"', '"ack"', '"id":', '"spectrum":', '"columns":', '"x":[', '1e999', '-1', '{', '}', '[', ']', ',', 'null', '"__proto__":', '"\\ud800"'], // prettier-ignore
  generate: (random) => {
    const subscription = () => ({
      id: random() % 20,
      spectrum: SPECTRA[random() % SPECTRA.length],
      columns: random() % (2 * COLUMNS_MAX),
      rows: random() % 3000,
      ...(random() % 3 === 0 ? { rateS: [1, 10, 60, 7][random() % 4] } : {}),
      ...(random() % 3 === 0 ? { x: [random() % 100, random() % 200], projection: 'x' } : {}),
      ...(random() % 4 === 0 ? { region: { x: [1, random() % 9], y: [0, 5] } } : {}),
    });
    const messages = [
      { kind: 'app', app: random() % 2 === 0 ? null : 'e1' },
      { kind: 'show', subscriptions: Array.from({ length: random() % 6 }, subscription) },
      { kind: 'ack', id: random() % 30 },
      { kind: 'network', on: random() % 2 === 0 },
      { kind: 'control', request: 1, action: 'run', app: 'e1' },
    ];
    return Buffer.from(JSON.stringify(messages[random() % messages.length]));
  },
  run: (input) => {
    const message = parsePageMessage(input.toString());
    if (message?.kind !== 'show') return;
    assert(message.subscriptions.length <= SUBSCRIPTIONS_MAX);
    for (const { columns, rows, x, y, band } of message.subscriptions) {
      assert(columns >= 1 && columns <= COLUMNS_MAX && rows >= 1);
      for (const range of [x, y, band]) assert(range === undefined || (range[0] >= 0 && range[1] > range[0]));
    }
  },
};
