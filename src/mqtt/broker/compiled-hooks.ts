import type { AuthenticationMethod, BrokerHooks } from './hooks.ts';

type With<K extends keyof BrokerHooks> = BrokerHooks & Required<Pick<BrokerHooks, K>>;

/** Hooks by what they do: a list that is empty costs nothing where it would be asked. */
export type CompiledHooks = {
  readonly authenticate: readonly With<'authenticate'>[];
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>;
  /** Whether one of them can prove a user name; where none can, a name is only what a client says. */
  readonly provesUserNames: boolean;
  readonly authorizeConnect: readonly With<'authorizeConnect'>[];
  readonly authorizeSubscribe: readonly With<'authorizeSubscribe'>[];
  readonly authorizePublish: readonly With<'authorizePublish'>[];
  readonly authorizeReceive: readonly With<'authorizeReceive'>[];
  readonly onConnected: readonly With<'onConnected'>[];
  readonly onDisconnected: readonly With<'onDisconnected'>[];
  readonly onSubscribed: readonly With<'onSubscribed'>[];
  readonly onUnsubscribed: readonly With<'onUnsubscribed'>[];
  readonly onPublished: readonly With<'onPublished'>[];
  readonly onDropped: readonly With<'onDropped'>[];
};

/** Sorts hooks by function, once. A method's name given twice means the first. */
export function compileHooks(hooks: readonly BrokerHooks[]): CompiledHooks {
  const having = <K extends keyof BrokerHooks>(name: K): With<K>[] =>
    hooks.filter((hook): hook is With<K> => hook[name] !== undefined);
  const methods = new Map<string, AuthenticationMethod>();
  for (const method of hooks.flatMap(({ authenticationMethods }) => authenticationMethods ?? [])) {
    if (!methods.has(method.name)) methods.set(method.name, method);
  }
  const authenticate = having('authenticate');
  return {
    authenticate,
    authenticationMethods: methods,
    // Asked each time: there may be something to prove by and by.
    get provesUserNames() {
      return methods.size > 0 || authenticate.some(({ provesUserNames = true }) => provesUserNames);
    },
    authorizeConnect: having('authorizeConnect'),
    authorizeSubscribe: having('authorizeSubscribe'),
    authorizePublish: having('authorizePublish'),
    authorizeReceive: having('authorizeReceive'),
    onConnected: having('onConnected'),
    onDisconnected: having('onDisconnected'),
    onSubscribed: having('onSubscribed'),
    onUnsubscribed: having('onUnsubscribed'),
    onPublished: having('onPublished'),
    onDropped: having('onDropped'),
  };
}
