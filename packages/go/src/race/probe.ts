// The functions that rewritten code calls. Each one records an access, and returns the value with
// which the code continues. Their names are short because rewritten code contains many of them.

import { acquire, release } from "./threads.ts";
import { goAt, Location, read, readIn, starters, type Site, untouched, write, writeIn } from "./detector.ts";

export { addPlaces as module } from "./report.ts";
export { awaited as b, disposing as o, kept as k, walked as n } from "./awaits.ts";

/** A location for a new captured variable. */
export function v(): Location {
  return new Location("variable");
}

// A variable's location is `undefined` in code that runs before its declaration does.

/** Reads a variable. */
export function r(variable: Location | undefined, site: Site): void {
  if (variable !== undefined) read(variable, site, false);
}

/** Reads a variable that may be written before the next await. */
export function ra(variable: Location | undefined, site: Site): void {
  if (variable !== undefined) read(variable, site, true);
}

/** Writes a variable; returns the written value. */
export function w<T>(variable: Location | undefined, site: Site, value?: T): T {
  if (variable !== undefined) write(variable, site);
  return value as T;
}

/** Clears a variable, which is an update: no other update is lost by it. Returns the value. */
export function wc<T>(variable: Location | undefined, site: Site, value: T): T {
  u(variable, site);
  return value;
}

/** Records `n++` and similar updates. */
export function u(variable: Location | undefined, site: Site): void {
  if (variable !== undefined) write(variable, site, true);
}

type Property = readonly [object: unknown, key: PropertyKey];

/** Records variables and properties that a pattern has written; returns its value. */
export function ws<T>(site: Site, value: T, ...written: (Location | Property | undefined)[]): T {
  for (const one of written) {
    if (Array.isArray(one)) s(one[0], one[1], site, undefined);
    else w(one as Location | undefined, site);
  }
  return value;
}

/** The most properties of an object that need no Map: most objects have few. */
const mostPairs = 8;

/** The locations of an object. Several properties may have the same one, as detector.ts says. */
class Locations {
  /** Keys, each followed by its location. */
  #pairs: unknown[] = [];
  #others: Map<unknown, Location> | undefined;
  /** Those of elements by index, and those of typed arrays by position in memory. */
  elements: (Location | undefined)[] | undefined;

  get(key: unknown): Location | undefined {
    const pairs = this.#pairs;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === key) return pairs[i + 1] as Location;
    return this.#others?.get(key);
  }

  set(key: unknown, location: Location): void {
    const pairs = this.#pairs;
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] !== key) continue;
      pairs[i + 1] = location;
      return;
    }
    // An array that grows by `push` has room for more than most objects need.
    if (pairs.length < 2 * mostPairs) this.#pairs = [...pairs, key, location];
    else (this.#others ??= new Map()).set(key, location);
  }
}

const objects = new WeakMap<object, Locations>();
// The last two objects that were used, as the next one is often one of them.
let lastOwner: object | undefined;
let locationsOfLast: Locations | undefined;
let olderOwner: object | undefined;
let locationsOfOlder: Locations | undefined;
/** The location of a Map or Set as a whole. */
const whole = Symbol("whole");

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function locationsOf(owner: object): Locations {
  if (owner === lastOwner) return locationsOfLast as Locations;
  let locations = owner === olderOwner ? locationsOfOlder : objects.get(owner);
  if (locations === undefined) objects.set(owner, (locations = new Locations()));
  olderOwner = lastOwner;
  locationsOfOlder = locationsOfLast;
  lastOwner = owner;
  locationsOfLast = locations;
  return locations;
}

/** The location of a collection as a whole. */
function locationOf(collection: Collection): Location {
  const locations = locationsOf(collection);
  let location = locations.get(whole);
  if (location === undefined) locations.set(whole, (location = new Location("map")));
  return location;
}

function elementsOf(owner: object): (Location | undefined)[] {
  return (locationsOf(owner).elements ??= []);
}

/** An array may have elements far away from all others. From here on each one is a property. */
const distant = 2 ** 24;

/** The place in `elements` of the element that an access means; -1 if it means no element. */
function elementOf(object: object, key: unknown): number {
  const isView = ArrayBuffer.isView(object);
  if (!isView && !Array.isArray(object)) return -1;
  let index = -1;
  if (typeof key === "number") index = Number.isInteger(key) ? key : -1;
  else if (typeof key === "string" && /^(?:0|[1-9]\d{0,8})$/.test(key)) index = Number(key);
  if (!isView) return index < distant ? index : -1;
  return index < 0 ? -1 : object.byteOffset + index * ((object as Uint8Array).BYTES_PER_ELEMENT || 1);
}

/** The object to which an element belongs. Several views may show the same memory. */
function ownerOf(object: object): object {
  return ArrayBuffer.isView(object) ? object.buffer : object;
}

function readOf(object: object, key: unknown, site: Site, isAtomic: boolean, isWalk = false): void {
  const at = elementOf(object, key);
  if (at < 0) {
    const locations = locationsOf(object);
    const location = locations.get(key) ?? untouched;
    const next = readIn(location, site, isAtomic, isWalk);
    if (next !== location) locations.set(key, next);
    return;
  }
  const elements = elementsOf(ownerOf(object));
  elements[at] = readIn(elements[at] ?? untouched, site, isAtomic, isWalk);
}

function writeOf(object: object, key: unknown, site: Site, isUpdate = false): void {
  const at = elementOf(object, key);
  if (at < 0) {
    const locations = locationsOf(object);
    const location = locations.get(key) ?? untouched;
    const next = writeIn(location, site, isUpdate);
    if (next !== location) locations.set(key, next);
    return;
  }
  const elements = elementsOf(ownerOf(object));
  elements[at] = writeIn(elements[at] ?? untouched, site, isUpdate);
}

function readAt(object: unknown, key: unknown, site: Site, isAtomic: boolean): void {
  if (!isObject(object)) return;
  if (key === "size" && isCollection(object)) read(locationOf(object), site, isAtomic);
  else readOf(object, keyOf(key), site, isAtomic);
}

/**
 * The key of a location for a computed key. A key that is an object would have to be converted, so
 * all such keys are one.
 */
function keyOf(key: unknown): unknown {
  return isObject(key) ? "[object]" : key;
}

/** Reads a property; returns the object. */
export function g<T>(object: T, key: unknown, site: Site): T {
  readAt(object, key, site, false);
  return object;
}

export function ga<T>(object: T, key: unknown, site: Site): T {
  readAt(object, key, site, true);
  return object;
}

/** Reads a computed property; returns its value. */
export function e(object: Record<PropertyKey, unknown>, key: PropertyKey, site: Site): unknown {
  readAt(object, key, site, false);
  return object[key];
}

export function ea(object: Record<PropertyKey, unknown>, key: PropertyKey, site: Site): unknown {
  readAt(object, key, site, true);
  return object[key];
}

/** Writes a property; returns the written value. */
export function s<T>(object: unknown, key: unknown, site: Site, value: T): T {
  if (isObject(object)) writeOf(object, keyOf(key), site);
  return value;
}

/** Clears a property, which is an update; returns the value. */
export function sc<T>(object: unknown, key: unknown, site: Site, value: T): T {
  p(object, key, site);
  return value;
}

/** Deletes a property; returns the object. */
export function d<T>(object: T, key: unknown, site: Site): T {
  s(object, key, site, undefined);
  return object;
}

/** Records `o.n++` and similar updates; returns the object. */
export function p<T>(object: T, key: unknown, site: Site): T {
  if (isObject(object)) writeOf(object, keyOf(key), site, true);
  return object;
}

/** Reads properties by a pattern; returns the object. */
export function ds<T>(object: T, keys: readonly string[], site: Site): T {
  for (const key of keys) readAt(object, key, site, false);
  return object;
}

/** Reads elements by a pattern; returns the array. */
export function da<T>(array: T, count: number, site: Site): T {
  if (Array.isArray(array)) for (let i = 0; i < count; i++) readAt(array, i, site, false);
  else if (isCollection(array)) read(locationOf(array), site, false);
  return array;
}

/** `Object.assign`, which reads all properties of its sources, and writes them. */
export function a(site: Site): typeof Object.assign {
  return (target: object, ...sources: object[]): object => {
    for (const source of sources) {
      for (const key of isObject(source) ? Reflect.ownKeys(source) : []) {
        readAt(source, key, site, false);
        s(target, key, site, undefined);
      }
    }
    return Object.assign(target, ...sources) as object;
  };
}

/** Gives what stands for all memory that threads share, if there are several threads. */
let sharedMemory: () => object | undefined = () => undefined;

export function shareMemory(by: () => object | undefined): void {
  sharedMemory = by;
}

/** What stands for each element that the program uses with `Atomics`, by its place in memory. */
const atomicElements = new WeakMap<object, Map<number, object>>();

/** `Atomics`, whose operations order: each is after those before it that changed the element. */
export const atomics: typeof Atomics = new Proxy(Atomics, {
  get: (host, name) => {
    const own: unknown = Reflect.get(host, name);
    if (typeof own !== "function" || !writesOfAtomics.has(name as string)) return own;
    const changes = writesOfAtomics.get(name as string) as boolean;
    return (array: Int32Array, index: number, ...more: number[]): unknown => {
      const elements = elementsAt(array, index);
      if (changes) for (const element of elements) release(element);
      const result: unknown = (own as (...args: unknown[]) => unknown).call(host, array, index, ...more);
      for (const element of elements) acquire(element);
      return result;
    };
  },
});

/** The operations that order, and whether each changes the element. */
const writesOfAtomics = new Map<string, boolean>([
  ["load", false],
  ["wait", false],
  ...["store", "add", "sub", "and", "or", "xor", "exchange", "compareExchange"].map((name) => [name, true] as const),
]);

function elementsAt(array: unknown, index: number): object[] {
  if (!ArrayBuffer.isView(array)) return [];
  const { buffer, byteOffset } = array;
  let all = atomicElements.get(buffer);
  if (all === undefined) atomicElements.set(buffer, (all = new Map()));
  const at = byteOffset + index * ((array as Int32Array).BYTES_PER_ELEMENT || 1);
  let element = all.get(at);
  if (element === undefined) all.set(at, (element = {}));
  const shared = buffer instanceof ArrayBuffer ? undefined : sharedMemory();
  return shared === undefined ? [element] : [element, shared];
}

type Collection = Map<unknown, unknown> | Set<unknown>;

function isCollection(value: unknown): value is Collection {
  return value instanceof Map || value instanceof Set;
}

const collectionWrites = new Set(["set", "add", "delete", "clear"]);
const collectionWalks = new Set(["forEach", "keys", "values", "entries"]);
const collectionReads = new Set(["get", "has"]);
/** Methods that change the contents. `fill` does not read them. */
const arrayWrites = new Set(["shift", "unshift", "splice", "sort", "reverse", "copyWithin", "fill"]);

/** Calls a method; returns the object. `index` is the argument of `at`, if the source has it. */
export function c<T>(object: T, name: string, site: Site, index?: number): T {
  call(object, name, site, false, index);
  return object;
}

export function ca<T>(object: T, name: string, site: Site, index?: number): T {
  call(object, name, site, true, index);
  return object;
}

/** Calls a method whose arguments await; returns the last of them, which is known now. */
export function x<T>(argument: T, object: unknown, name: string, site: Site): T {
  call(object, name, site, false);
  return argument;
}

/** Calls a function of that name; returns it. */
export function gs<T>(fn: T, site: Site): T {
  if (starters.has(fn)) goAt(site);
  return fn;
}

function call(object: unknown, name: string, site: Site, isAtomic: boolean, index?: number): void {
  if (!isObject(object)) return;
  if (name === "go" && starters.has(object.constructor)) goAt(site);
  if (isCollection(object)) {
    // A deletion clears, too.
    if (collectionWrites.has(name)) write(locationOf(object), site, name === "delete");
    else if (collectionReads.has(name)) read(locationOf(object), site, isAtomic);
    else if (collectionWalks.has(name)) read(locationOf(object), site, isAtomic, true);
  } else if (Array.isArray(object)) callOfArray(object, name, site, isAtomic, index);
  else if (Object.hasOwn(object, name)) readAt(object, name, site, isAtomic);
}

/** Methods that take elements out, each for one goroutine alone. */
const arrayTakes = new Set(["pop", "shift", "splice"]);

function callOfArray(array: readonly unknown[], name: string, site: Site, isAtomic: boolean, index?: number): void {
  // A goroutine that takes something out is after those that have put something in. So a queue
  // orders, and so does a list of objects that are used again.
  if (arrayTakes.has(name)) acquire(array);
  else if (name === "push" || name === "unshift") release(array);
  if (name === "push") {
    writeOf(array, "length", site, true);
    writeOf(array, array.length, site, true);
  } else if (name === "pop") {
    writeOf(array, "length", site, true);
    if (array.length > 0) writeOf(array, array.length - 1, site, true);
  } else if (name === "at" && index !== undefined) {
    readOf(array, "length", site, isAtomic);
    const at = index < 0 ? array.length + index : index;
    if (at >= 0 && at < array.length) readOf(array, at, site, isAtomic);
  } else if (arrayWrites.has(name)) {
    const isUpdate = name !== "fill";
    writeOf(array, "length", site, isUpdate);
    eachElement(array, (location) => writeIn(location, site, isUpdate));
  } else if (name in Array.prototype && name !== "constructor") walk(array, site, isAtomic);
}

function walk(array: readonly unknown[], site: Site, isAtomic: boolean): void {
  readOf(array, "length", site, isAtomic, true);
  eachElement(array, (location) => readIn(location, site, isAtomic, true));
}

/**
 * The most elements of an array that get a location when all are read or written. Beyond that, only
 * elements with a location count.
 */
const few = 32;

function eachElement(array: readonly unknown[], visit: (location: Location) => Location): void {
  const elements = elementsOf(array);
  for (let i = 0; i < Math.min(array.length, few); i++) elements[i] = visit(elements[i] ?? untouched);
  for (let i = few; i < Math.min(array.length, elements.length); i++) {
    const location = elements[i];
    if (location !== undefined) elements[i] = visit(location);
  }
}

/** Walks over a collection without an await; returns it. */
export function i<T>(values: T, site: Site): T {
  if (isCollection(values)) read(locationOf(values), site, false, true);
  else if (Array.isArray(values)) walk(values, site, false);
  return values;
}

/** Walks over a collection with awaits in between: each step reads it. */
export function it<T>(values: T, site: Site): T | Iterable<unknown> {
  if (!isCollection(values) && !Array.isArray(values)) return values;
  return stepwise(values, values[Symbol.iterator]() as Iterator<unknown>, site);
}

/** Walks over the result of `keys`, `values` or `entries` in the same way. */
export function iv(values: unknown, name: "keys" | "values" | "entries", site: Site): Iterable<unknown> {
  const walked = (values as Collection)[name]() as IterableIterator<unknown>;
  if (!isCollection(values) && !Array.isArray(values)) return walked;
  return stepwise(values, walked, site);
}

function stepwise(values: Collection | readonly unknown[], walked: Iterator<unknown>, site: Site): Iterable<unknown> {
  let index = 0;
  return {
    [Symbol.iterator]: () => ({
      next: () => {
        if (isCollection(values)) read(locationOf(values), site, false, true);
        else {
          readOf(values, "length", site, false, true);
          if (index < values.length) readOf(values, index++, site, false, true);
        }
        return walked.next();
      },
      return: (value?: unknown) => walked.return?.(value) ?? { value, done: true },
    }),
  };
}
