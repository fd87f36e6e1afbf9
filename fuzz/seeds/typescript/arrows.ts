const one = (a: number): number => a, two = async (a?: string, ...b: any[]): Promise<void> => {};
const three = <T,>(a: T) => a, four = async <T extends {}>(a: T): Promise<T> => a;
const five = ({ a, b = 2 }: { a: number; b?: number }, [c, d]: [number, number] = [1, 2]): number => a + b + c + d;
const six = (a: (b: number) => (c: string) => void): ((d: number) => void) => () => {};
const seven = (): { a: number } => ({ a: 1 }), eight = (a): a is string => true, nine = a => b => (c: number) => HERE;
nine(1)(2)(3);
