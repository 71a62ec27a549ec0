// What a host publishes to other sites (protocol/nats/published.ts).
import { expect } from 'chai';
import { mayPublish, publishesFlow, ruleFor } from '../../../protocol/nats/published.js';

const GROUP = { owner: 1, everyone: false, users: [], groups: [7] };

describe('what is published to other sites', () => {
  const rules = [{ app: 'e23001', flows: ['spectra'] }, { app: 'daq' }];

  it('only applications that a rule names are published', () => {
    expect(mayPublish(rules, { name: 'daq', readers: GROUP })).to.equal(true);
    expect(mayPublish(rules, { name: 'other', readers: GROUP })).to.equal(false);
    expect(mayPublish([], { name: 'daq', readers: GROUP })).to.equal(false);
  });

  it('a private application is never published, nor one whose readers are not known', () => {
    expect(mayPublish(rules, { name: 'daq', readers: { ...GROUP, groups: [] } })).to.equal(false);
    expect(mayPublish(rules, { name: 'daq', readers: { ...GROUP, groups: [], users: [5] } })).to.equal(false);
    expect(mayPublish(rules, { name: 'daq' })).to.equal(false);
  });

  it('a rule without flows publishes all, another those that it names', () => {
    const flowsOf = (name: string) => ruleFor(rules, { name, readers: GROUP })!;
    expect(publishesFlow(flowsOf('daq'), 'events')).to.equal(true);
    expect(publishesFlow(flowsOf('e23001'), 'spectra')).to.equal(true);
    expect(publishesFlow(flowsOf('e23001'), 'events')).to.equal(false);
  });
});
