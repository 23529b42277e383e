// A checkout: stock, shipping and payment are checked at the same time. Every problem is reported,
// and nothing is kept unless all pass.
//
//   node --conditions=source examples/checkout.ts
import { main } from "@sluice/go";
import { background, type Context, withoutCancel, withTimeout } from "@sluice/go/context";
import { Pool } from "@sluice/go/patterns";
import { sleep } from "@sluice/go/time";

export interface Cart {
  readonly items: readonly { readonly sku: string; readonly count: number }[];
  readonly country: string;
  readonly card: string;
}

export interface Order {
  readonly cents: number;
  readonly shipping: number;
  readonly payment: string;
}

/**
 * Three services. Each answer takes as long as a call over a network; `sleep` stands for the way
 * there.
 */
export class Shop {
  readonly stock: Map<string, number> = new Map([
    ["book", 3],
    ["lamp", 1],
    ["desk", 0],
  ]);
  readonly #prices = new Map([
    ["book", 1_250],
    ["lamp", 4_900],
    ["desk", 19_900],
  ]);
  readonly #shipping = new Map([
    ["PT", 390],
    ["SE", 790],
  ]);
  readonly payments = new Set<string>();
  #lastPayment = 0;

  /**
   * Takes the items out of the stock. No await between the look and the change: nobody can buy the
   * same piece meanwhile.
   */
  async reserve(ctx: Context, { items }: Cart): Promise<void> {
    await sleep(80, ctx);
    const missing = items.filter(({ sku, count }) => (this.stock.get(sku) ?? 0) < count);
    if (missing.length > 0) throw new Error(`out of stock: ${missing.map(({ sku }) => sku).join(", ")}`);
    for (const { sku, count } of items) this.#add(sku, -count);
  }

  async release(ctx: Context, { items }: Cart): Promise<void> {
    await sleep(80, ctx);
    for (const { sku, count } of items) this.#add(sku, count);
  }

  async shippingTo(ctx: Context, { country }: Cart): Promise<number> {
    await sleep(50, ctx);
    const cents = this.#shipping.get(country);
    if (cents === undefined) throw new Error(`no shipping to ${country}`);
    return cents;
  }

  /** Holds the amount on the card; nothing is charged yet. */
  async authorize(ctx: Context, { card }: Cart): Promise<string> {
    await sleep(120, ctx);
    if (!isCardNumber(card)) throw new Error(`card ending in ${card.slice(-4)} declined`);
    const payment = `payment-${++this.#lastPayment}`;
    this.payments.add(payment); // race:ignore: one step
    return payment;
  }

  async cancelPayment(ctx: Context, payment: string): Promise<void> {
    await sleep(120, ctx);
    this.payments.delete(payment); // race:ignore: one step
  }

  #add(sku: string, count: number): void {
    this.stock.set(sku, this.stock.get(sku)! + count); // race:ignore: reserve looks and changes in one step
  }

  priceOf({ items }: Cart): number {
    return items.reduce((sum, { sku, count }) => sum + count * (this.#prices.get(sku) ?? 0), 0);
  }
}

/**
 * Buys a cart. Rejects with an AggregateError of every problem, so that the customer can mend them
 * all at once. What had been reserved by then is given back, also if ctx is done.
 */
export async function checkout(ctx: Context, shop: Shop, cart: Cart): Promise<Order> {
  const undo: ((ctx: Context) => Promise<void>)[] = [];
  let [shipping, payment] = [0, ""];
  const checks = new Pool<void>(ctx);
  await checks.go(async (ctx) => {
    await shop.reserve(ctx, cart);
    undo.push((ctx) => shop.release(ctx, cart));
  });
  await checks.go(async (ctx) => {
    shipping = await shop.shippingTo(ctx, cart);
  });
  await checks.go(async (ctx) => {
    payment = await shop.authorize(ctx, cart);
    undo.push((ctx) => shop.cancelPayment(ctx, payment));
  });
  try {
    await checks.wait();
  } catch (error) {
    await Promise.all(undo.map((step) => step(withoutCancel(ctx))));
    throw error;
  }
  return { cents: shop.priceOf(cart) + shipping, shipping, payment };
}

/** Luhn's check of the last digit. */
function isCardNumber(card: string): boolean {
  const digits = [...card].toReversed().map(Number);
  const sum = digits.reduce((sum, digit, i) => sum + (i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit), 0);
  return digits.length > 12 && sum % 10 === 0;
}

if (import.meta.main) {
  await main(async () => {
    const shop = new Shop();
    const carts: Record<string, Cart> = {
      "all is well": { items: [{ sku: "book", count: 2 }], country: "PT", card: "4539578763621486" },
      "three problems": { items: [{ sku: "desk", count: 1 }], country: "AQ", card: "4539578763621487" },
      "no time": { items: [{ sku: "lamp", count: 1 }], country: "SE", card: "4539578763621486" },
    };
    for (const [name, cart] of Object.entries(carts)) {
      const [ctx, cancel] = withTimeout(background(), name === "no time" ? 100 : 1000);
      using _ = cancel;
      const began = performance.now();
      const said = await checkout(ctx, shop, cart).then(
        ({ cents, payment }) => `${(cents / 100).toFixed(2)} € by ${payment}`,
        (error: AggregateError) => [...new Set(error.errors.map(({ message }: Error) => message))].join("; "),
      );
      console.log(`${name}: ${said} (${Math.round(performance.now() - began)} ms)`);
    }
    console.log(`in stock: ${[...shop.stock].map(([sku, count]) => `${count} ${sku}`).join(", ")}`);
  });
}
