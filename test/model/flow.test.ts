/** Searches all states of the model of a flow (docs/model.md) with spin, instance by instance. */
import { expect } from 'chai';
import { skip } from '../kit/skip.js';
import { INSTANCES } from './instances.js';
import { missingProgram, search } from './run-instance.js';

/** The largest instance of `npm test` takes a minute on a free core. */
const INSTANCE_TIMEOUT_MS = 600_000;

describe('the model of a flow', function () {
  this.timeout(INSTANCE_TIMEOUT_MS);

  before(function () {
    const program = missingProgram();
    if (program !== undefined) skip(this, `${program} is not installed`);
  });

  for (const instance of INSTANCES) {
    const found = instance.violation === undefined ? 'proves' : 'finds';
    it(`${found} that ${instance.shows} (${instance.name})`, function () {
      if (instance.isLong === true) skip(this, 'it takes minutes: `npm run model` searches it');
      const { asRequired, result, kept } = search(instance);
      expect(asRequired, `spin reports: ${result}; its trail is in ${kept}`).to.equal(true);
    });
  }

  it('has a name of its own for each instance', () => {
    expect(new Set(INSTANCES.map(({ name }) => name))).to.have.length(INSTANCES.length);
  });
});
