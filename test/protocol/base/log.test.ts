/** Log lines as JSON and as text, and their levels. Pure: lines go to the test. */
import { expect } from 'chai';
import { Logger, type LoggerOptions } from '../../../protocol/base/log.js';

describe('logs', () => {
  function written(options: LoggerOptions, use: (log: Logger) => void): string[] {
    const lines: string[] = [];
    const now = () => new Date('2026-01-02T03:04:05.678Z');
    use(new Logger('duplicator:e23001/spectra', { sink: (line) => lines.push(line), now, ...options }));
    return lines;
  }

  it('an event is logged as one line of JSON', () => {
    const lines = written({ format: 'json', level: 'info' }, (log) => {
      log.warn('two\nlines', { error: new Error('why'), bytes: 5 });
      log.debug('below the level');
    });
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^[^\n]+\n$/);
    expect(JSON.parse(lines[0]!)).to.deep.equal({
      time: '2026-01-02T03:04:05.678Z',
      level: 'warn',
      role: 'duplicator:e23001/spectra',
      message: 'two\nlines',
      error: 'why',
      bytes: 5,
    });
  });

  it('an event is logged as readable text with the same fields', () => {
    const [line] = written({ format: 'text', level: 'debug' }, (log) =>
      log.child('client').debug('hello', { n: [1], s: 'x' }),
    );
    expect(line)
      .to.contain('03:04:05.678')
      .and.contain('client')
      .and.contain('hello')
      .and.contain(' n=[1] s=x');
  });

  it('events below the level are not logged, and an unknown level counts as info', () => {
    const all = (log: Logger): void => {
      log.debug('d');
      log.info('i');
      log.warn('w');
      log.error('e');
    };
    expect(written({ level: 'error', format: 'json' }, all)).to.have.length(1);
    expect(written({ level: 'loud' as 'info', format: 'json' }, all)).to.have.length(3);
  });

  it('a long value or message from outside is cut', () => {
    const long = 'x'.repeat(100_000);
    const lines = written({ format: 'json', level: 'info' }, (log) => {
      log.warn('refused', { host: long, error: new Error(long), list: [long] });
      log.warn(long, Object.fromEntries(Array.from({ length: 1_000 }, (_, key) => [`k${key}`, long])));
    });
    expect(lines[0]).to.have.length.below(4_000);
    expect(lines[0]).to.contain('… (99000 more characters)');
    expect(lines[1]).to.have.length.below(40_000);
  });
});
