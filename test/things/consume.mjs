/*
 * node-wot's own client, as a program: it is given the address of a directory, and what to do with which thing. It knows no
 * word of the hub. Prints each outcome as a line of JSON.
 *
 * node consume.mjs URL TOKEN (or '') THING
 */
import binding from '@node-wot/binding-http';
import core from '@node-wot/core';

const [url, token, thingId] = process.argv.slice(2);
const tell = (what, value) => process.stdout.write(`${JSON.stringify([what, value])}\n`);

const servient = new core.Servient();
servient.addClientFactory(new binding.HttpClientFactory());
if (token !== '') servient.addCredentials({ 'urn:recado:directory': { token }, [thingId]: { token } });
const wot = await servient.start();

const found = [];
for await (const description of await wot.exploreDirectory(`${url}/.well-known/wot`)) found.push(description);
tell(
  'directory',
  found.map(({ id }) => id),
);

const thing = await wot.consume(found.find(({ id }) => id === thingId));
for (const name of ['celsius', 'status']) tell(name, await (await thing.readProperty(name)).value());
tell('add', await (await thing.invokeAction('add', { a: 2, b: 3 })).value());
tell('greet', await (await thing.invokeAction('greet', 'Ana')).value());
await thing.invokeAction('refuse').catch(({ message }) => tell('refuse', message));

if (token === '') {
  const told = { celsius: 0, bell: 0 };
  const listen = (name) => async (output) => {
    tell(`${name} told`, await output.value());
    if (++told[name] === 1 && told.celsius + told.bell === 2) process.exit(0);
  };
  const fail = (error) => tell('error', error.message);
  await thing.observeProperty('celsius', listen('celsius'), fail);
  await thing.subscribeEvent('bell', listen('bell'), fail);
  tell('listening', true);
}
