/** Python's xmlrpc.client as an independent client; skipped where python3 is not installed. */
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { HttpRpcServer } from '../../../../protocol/rpc/xml-rpc/http-server.js';
import { Sample } from './sample-contract.js';

const SCRIPT = `
import sys, xmlrpc.client, datetime
server = xmlrpc.client.ServerProxy(sys.argv[1], use_builtin_types=True)
assert 'sample.add' in server.system.listMethods()
assert server.system.methodSignature('sample.add')[0] == ['int', 'int', 'int']
assert 'Adds two or three integers' in server.system.methodHelp('sample.add')
assert server.sample.add(20, 22) == 42
assert server.sample.add(float(2**52), float(2**52)-1) == 2**53 - 1
assert server.sample.reverse(bytes(range(256))) == bytes(reversed(range(256)))
for text in ['', ' x ', 'line\\nline\\ttab', '\\u00e4\\u20ac\\U0001f600', '<&>]]>', ']]>]]>']:
    assert server.sample.echo(text) == text, text
for value in [[], {}, [1, [2.5, {'a': []}]], {'': '', 'x y': True}, 1e-300, 0.1, -2**31, 2**31-1, False,
              datetime.datetime(2026, 11, 20, 9, 45, 24)]:
    assert server.sample.echo(value) == value, value
exact = xmlrpc.client.DateTime('20261120T09:45:24.125')
assert server.sample.echo([exact]) == [datetime.datetime(2026, 11, 20, 9, 45, 24)]
assert server.sample.echo({'a<': exact}) == {'a<': datetime.datetime(2026, 11, 20, 9, 45, 24), 'a<Ms': 1795167924125}
calls = xmlrpc.client.MultiCall(server)
calls.sample.echo({'since': exact})
assert calls()[0]['sinceMs'] == 1795167924125
try:
    server.sample.fail('ours')
    assert False
except xmlrpc.client.Fault as fault:
    assert (fault.faultCode, fault.faultString) == (13, 'UNKNOWN_FLOW: there is no flow x'), fault
try:
    server.sample.nope()
    assert False
except xmlrpc.client.Fault as fault:
    assert fault.faultCode == -32601
try:
    server.sample.add('x', 1)
    assert False
except xmlrpc.client.Fault as fault:
    assert fault.faultCode == -32602 and 'a must be' in fault.faultString
calls = xmlrpc.client.MultiCall(server)
calls.sample.add(1, 2)
calls.sample.echo('two')
calls.sample.fail('throw')
results = calls()
assert results[0] == 3 and results[1] == 'two'
try:
    results[2]
    assert False
except xmlrpc.client.Fault as fault:
    assert (fault.faultCode, fault.faultString) == (-32500, 'APPLICATION_ERROR: a mistake')
class WithFacts(xmlrpc.client.Transport):
    def send_headers(self, connection, headers):
        super().send_headers(connection, headers + [('X-Mirrorflow-Facts', '1')])
try:
    xmlrpc.client.ServerProxy(sys.argv[1], transport=WithFacts()).sample.fail('ours')
    assert False
except xmlrpc.client.Fault as fault:
    assert fault.faultCode == 13
print('all good')
`;
import { needsPython } from '../../../kit/requirements.js';

describe('Python xmlrpc.client', function () {
  before(function () {
    needsPython(this, 'xmlrpc.client');
  });

  it('Python uses introspection, multicall, faults, numbers, dates, bytes and text', async () => {
    const served = new Sample();
    const server = new HttpRpcServer(served.dispatcher, {
      context: () => ({ caller: 'python' }),
      authentication: 'none',
      log: served.log,
    });
    try {
      const bound = await server.listen({ host: '127.0.0.1', port: 0 });
      const url = `http://127.0.0.1:${'port' in bound ? bound.port : 0}/`;
      const { stdout } = await promisify(execFile)('python3', ['-c', SCRIPT, url]);
      expect(stdout).to.equal('all good\n');
    } finally {
      await server.close();
    }
  });
});
