let a!: number, b!: string;
class A { c!: number; static d!: string; readonly e!: Date; #f!: number }
a = 1; b = a as any; const last = HERE;
