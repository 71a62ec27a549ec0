/** The XML-RPC codec: values survive encoding and decoding, and wrong documents are refused. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { MirrorflowError, type ErrorCode } from '../../../../protocol/base/errors.js';
import { LIMITS } from '../../../../protocol/base/limits.js';
import {
  decodeCall,
  decodeResponse,
  encodeCall,
  encodeFault,
  encodeResponse,
} from '../../../../protocol/rpc/xml-rpc/codec.js';
import { FORBIDDEN_IN_XML, setMember, type RpcValue } from '../../../../protocol/rpc/xml-rpc/values.js';

function refused(action: () => unknown): MirrorflowError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof MirrorflowError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

function expectRefused(action: () => unknown, code: ErrorCode, text: string): void {
  const error = refused(action);
  expect(error.code).to.equal(code);
  expect(error.message).to.include(text);
}

const xmlText = fc.string({ unit: 'grapheme' }).filter((text) => !FORBIDDEN_IN_XML.test(text));
const specialText = fc.constantFrom(
  '',
  ' ',
  '\r\n',
  '\r',
  '\t x ',
  ']]>',
  ']]>]]>',
  '<a>&amp;',
  '&#13;',
  '__proto__',
  '\u0085\u2028',
  '\u{1f600}',
);
const text = fc.oneof(
  xmlText,
  specialText,
  fc.array(fc.oneof(xmlText, specialText)).map((parts) => parts.join('')),
);
const dates = fc.date({
  noInvalidDate: true,
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
});

const { value: anyValue } = fc.letrec<{ value: RpcValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    text,
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    dates,
    fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map((members) => {
      const struct: { [key: string]: RpcValue } = {};
      for (const [key, value] of members) setMember(struct, key, value);
      return struct;
    }),
  ),
}));

describe('XML-RPC codec', () => {
  it('a value is unchanged by encoding and decoding', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(decodeResponse(encodeResponse(value))).to.deep.equal(value);
      }),
      { numRuns: 150 },
    );
  });

  it('a call is unchanged by encoding and decoding', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 3 }), (params) => {
        expect(decodeCall(encodeCall('flow.open', params))).to.deep.equal({ method: 'flow.open', params });
      }),
      { numRuns: 50 },
    );
  });

  it('any bytes are decoded or refused with PARSE_ERROR', () => {
    const document = encodeCall('a.b', [{ x: [1, 'text & more', new Uint8Array(5)] }]);
    const damaged = fc
      .tuple(fc.nat(document.length - 1), fc.string({ maxLength: 6 }), fc.nat(8))
      .map(([at, inserted, removed]) =>
        Buffer.concat([document.subarray(0, at), Buffer.from(inserted), document.subarray(at + removed)]),
      );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
        try {
          decodeCall(bytes);
        } catch (thrown) {
          expect((thrown as MirrorflowError).code).to.equal('PARSE_ERROR');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a document in plain form is decoded as the XML parser decodes it', () => {
    const declaration = '<?xml version="1.0"?>';
    // prettier-ignore
    const pieces = fc.constantFrom(
      '<', '>', '/', '&', '&amp;', '&#13;', '&#xD;', '<!-- -->', '<![CDATA[<]]>', '<?pi?>', ' ', '\n', '<int>',
      '<value>', '</value>', '<value>x</value>', '<i4>7</i4>', '<i8>7</i8>', '<string>', '7', ' a="1"',
      '</member>', '</data>', '\u0007', '\u00e9', '\ufffe', '\ufeff',
    );
    const insertions = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), pieces), {
      maxLength: 2,
    });
    const outcome = (text: string): unknown => {
      try {
        return decodeResponse(Buffer.from(text));
      } catch (thrown) {
        return (thrown as MirrorflowError).code;
      }
    };
    fc.assert(
      fc.property(anyValue, insertions, (value, inserted) => {
        let content = String(encodeResponse(value)).slice(declaration.length);
        for (const [place, piece] of inserted) {
          const at = content.indexOf('<', Math.floor(place * content.length));
          content = content.slice(0, Math.max(0, at)) + piece + content.slice(Math.max(0, at));
        }
        // A comment makes a document one for the XML parser and changes nothing else.
        expect(outcome(declaration + content)).to.deep.equal(outcome(`${declaration}<!---->${content}`));
      }),
      { numRuns: 500 },
    );
  });

  it('a document with blanks between its elements, as Python writes it, is decoded', () => {
    const document =
      "<?xml version='1.0'?>\n<methodCall>\n<methodName>a.b</methodName>\n<params>\n<param>\n" +
      '<value><struct>\n<member>\n<name>n</name>\n<value><array><data>\n<value><int>1</int></value>\n' +
      '</data></array></value>\n</member>\n</struct></value>\n</param>\n</params>\n</methodCall>\n';
    expect(decodeCall(Buffer.from(document))).to.deep.equal({ method: 'a.b', params: [{ n: [1] }] });
  });

  it('a truncated document is refused at every length', () => {
    const document = encodeCall('a.b', ['x', [1]]);
    for (let length = 0; length < document.length; length++) {
      expect(refused(() => decodeCall(document.subarray(0, length))).code).to.equal('PARSE_ERROR');
    }
  });

  it('an integer beyond 32 bits is sent as a double with all digits', () => {
    expect(String(encodeResponse(2 ** 31 - 1))).to.include('<int>2147483647</int>');
    expect(String(encodeResponse(2 ** 31))).to.include('<double>2147483648</double>');
    expect(String(encodeResponse(-(2 ** 31)))).to.include('<int>-2147483648</int>');
    expect(String(encodeResponse(-(2 ** 31) - 1))).to.include('<double>-2147483649</double>');
    expect(String(encodeResponse(2 ** 53 - 1))).to.include('<double>9007199254740991</double>');
  });

  it('a member named __proto__ is kept and changes no prototype', () => {
    const document = Buffer.from(
      '<methodResponse><params><param><value><struct><member><name>__proto__</name><value><struct>' +
        '<member><name>polluted</name><value><int>1</int></value></member></struct></value></member></struct></value></param></params></methodResponse>',
    );
    const value = decodeResponse(document) as { [key: string]: RpcValue };
    expect(Object.hasOwn(value, '__proto__')).to.equal(true);
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
    expect('polluted' in {}).to.equal(false);
    expect('polluted' in value).to.equal(false);
  });

  describe('encoding', () => {
    const cases: [string, unknown, string][] = [
      ['NaN', { rates: [1, NaN] }, 'result.rates[1]'],
      ['infinity', Infinity, 'finite'],
      ['undefined', { a: undefined }, 'result.a'],
      ['null', [null], 'result[0]'],
      ['a function', { f: () => 1 }, 'result.f'],
      ['a class instance', { m: new Map() }, 'an object of Map'],
      ['a control character', ['ok', 'bell \u0007'], 'U+0007 at position 5'],
      ['a NUL character in a key', { 'a\u0000': 1 }, 'U+0000'],
      ['half a surrogate pair', '\ud800', 'U+d800'],
      ['an invalid date', new Date(NaN), 'date'],
      ['a bigint', 1n, 'bigint'],
    ];
    for (const [what, value, message] of cases) {
      it(`${what} is not sent`, () => {
        expectRefused(() => encodeResponse(value as RpcValue), 'INVALID_PARAMETERS', message);
      });
    }

    it('an array that contains itself is not sent', () => {
      const self: RpcValue[] = [];
      self.push(self, self);
      expectRefused(() => encodeResponse(self), 'INVALID_PARAMETERS', `${LIMITS.rpcDepthLevels}`);
    });

    it('a parameter that cannot be sent is reported with its place', () => {
      expectRefused(
        () => encodeCall('a.b', [1, { x: null as unknown as string }]),
        'INVALID_PARAMETERS',
        'params[1].x',
      );
    });
  });

  describe('decoding', () => {
    const wrap = (value: string): string =>
      `<methodCall><methodName>a</methodName><params><param>${value}</param></params></methodCall>`;
    const cases: [string, string, string][] = [
      ['an empty text', '', 'Invalid XML-RPC message'],
      ['a text that is not XML', 'hello', 'Non-whitespace'],
      ['a document with another root', '<html></html>', 'html'],
      ['a response instead of a call', '<methodResponse></methodResponse>', '<methodCall> is expected'],
      ['a document with two roots', `${wrap('<value/>')}<methodCall></methodCall>`, 'methodCall'],
      ['a document with text after the root', `${wrap('<value/>')}x`, 'outside of root'],
      [
        'a document with crossed tags',
        '<methodCall><methodName>a</methodCall></methodName>',
        'Unexpected close tag',
      ],
      ['an unknown type', wrap('<value><float>1</float></value>'), 'unknown element <float>'],
      [
        'a value with two types',
        wrap('<value><int>1</int><int>2</int></value>'),
        'not allowed at this position',
      ],
      ['a value with text and a type', wrap('<value>x<int>1</int>y</value>'), 'text in <value>'],
      [
        'a member without a name',
        wrap('<value><struct><member><value/></member></struct></value>'),
        '<value>',
      ],
      [
        'a member without a value',
        wrap('<value><struct><member><name>a</name></member></struct></value>'),
        'incomplete',
      ],
      [
        'a struct with a member twice',
        wrap(`<value><struct>${'<member><name>a</name><value/></member>'.repeat(2)}</struct></value>`),
        'twice',
      ],
      ['an integer followed by letters', wrap('<value><int>1abc</int></value>'), '1abc'],
      ['an integer beyond 53 bits', wrap('<value><i8>9007199254740993</i8></value>'), '53 bits'],
      ['a double that is not a number', wrap('<value><double>nan</double></value>'), 'nan'],
      ['a boolean that is not 0 or 1', wrap('<value><boolean>true</boolean></value>'), 'true'],
      [
        'a day that the month does not have',
        wrap('<value><dateTime.iso8601>20260231T00:00:00</dateTime.iso8601></value>'),
        '20260231',
      ],
      ['base64 with other characters', wrap('<value><base64>?</base64></value>'), 'base64'],
      ['nil', wrap('<value><nil/></value>'), 'nil'],
      ['a document type', `<!DOCTYPE x [<!ENTITY a "b">]>${wrap('<value>&a;</value>')}`, 'document type'],
      ['an undefined entity', wrap('<value>&lol;</value>'), 'Invalid character entity'],
      ['an entity named like an object member', wrap('<value>&constructor;</value>'), 'entity'],
      ['a character beyond Unicode', wrap('<value>&#x110000;</value>'), 'malformed'],
      ['a control character', wrap('<value>&#7;</value>'), 'forbids'],
      [
        'a document in another encoding',
        `<?xml version="1.0" encoding="iso-8859-1"?>${wrap('<value/>')}`,
        'iso-8859-1',
      ],
      ['a comment without an end', '<!--', '--> is missing'],
    ];
    for (const [what, document, message] of cases) {
      it(`${what} is refused`, () =>
        expectRefused(() => decodeCall(Buffer.from(document)), 'PARSE_ERROR', message));
    }

    it('a document that is not UTF-8 is refused', () => {
      expectRefused(() => decodeCall(Buffer.from([0x3c, 0xff, 0xfe])), 'PARSE_ERROR', 'UTF-8');
    });

    it('nesting and declarations as long as the largest body are refused quickly', () => {
      const deep = '<value><array><data>'.repeat(LIMITS.rpcBodyBytes / 20);
      expectRefused(() => decodeCall(Buffer.from(wrap(deep))), 'PARSE_ERROR', 'nested deeper');
      const endless = `<!${'A'.repeat(LIMITS.rpcBodyBytes - 2)}`;
      expectRefused(() => decodeCall(Buffer.from(endless)), 'PARSE_ERROR', 'declaration');
    });
  });

  it('untyped strings, CDATA, i8, time zones, comments and blanks of other programs are decoded', () => {
    const document = Buffer.from(`<?xml version='1.0' encoding="UTF-8"?>
      <methodCall> <methodName>a.b</methodName> <!-- a comment -->
      <params><param><value> text </value></param>
      <param><value><string><![CDATA[<!DOCTYPE & ]]></string></value></param>
      <param><value><i8>-9007199254740991</i8></value></param>
      <param><value><dateTime.iso8601>2026-11-20T10:00:00+01:00</dateTime.iso8601></value></param>
      <param><value> <double>1e3</double> </value></param>
      <param><value></value></param></params></methodCall>`);
    expect(decodeCall(document).params).to.deep.equal([
      ' text ',
      '<!DOCTYPE & ',
      -9007199254740991,
      new Date('2026-11-20T09:00:00Z'),
      1000,
      '',
    ]);
  });

  it('a fault is decoded to its error, with facts only if they were sent', () => {
    const error = refused(() => decodeResponse(encodeFault(13, 'no flow\u0000', { flow: 'x', ratio: NaN })));
    expect(error.code).to.equal('UNKNOWN_FLOW');
    expect(error.message).to.equal('no flow\ufffd');
    expect(error.facts).to.deep.equal({ flow: 'x', ratio: 'NaN' });
    const foreign = refused(() => decodeResponse(encodeFault(4711, 'odd')));
    expect(foreign.code).to.equal('APPLICATION_ERROR');
    expect(foreign.facts).to.deep.equal({ faultCode: 4711 });
    expect(String(encodeFault(13, 'x'))).not.to.include('facts');
  });
});
