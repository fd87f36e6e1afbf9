class A {
    public a: number = 1; private b?: string; protected readonly c = 3; d!: Date; readonly e: 1 | 2 = 1
    static f: number = 1; private static readonly g: string = "g"; #h: number = 1; static #i?: string
    public constructor() { } private j(): void { } protected async k(): Promise<void> { } public *l(): Generator { }
    public get m(): number { return 1 } private set m(value) { } public static async *n() { } override toString(): string { return "" }
    declare o: string; declare readonly p?: number; [q: string]: any; static [r: number]: string; readonly [s: symbol]: 1
    "t": number = 1; 12: string = ""; [`u`]: number = 2; public = 1; readonly; static; declare: 1; abstract?: 2; override = 3; get; set;
    async: boolean = true; private private = 1; static static: number = 2; readonly readonly?: 1
    x = HERE
}
new A();
