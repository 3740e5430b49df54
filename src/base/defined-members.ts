type DefinedMembers<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The members that are not undefined: others shall be absent, so that defaults and JSON do not see them. */
export function definedMembers<T extends object>(members: T): DefinedMembers<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as DefinedMembers<T>;
}
