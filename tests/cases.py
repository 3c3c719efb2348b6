"""Acceptance cases of the proof engines as data; source: dltsym design note, tables 6.1 to 6.3.

`build(case)` (or ``build(statement, hypotheses)``) gives the `Problem`. Names are real unless the hypotheses say
otherwise; in statements with sums ``n, m`` are positive integers and ``i, j, k, l`` integers (an ``index`` symbol when
the hypotheses are its range); ``X, Y`` are real arrays, ``P, Q`` positive arrays of size ``n``, ``M`` a real matrix.
B07 has two rows; R02, a citation, has none. X1 to X9 but X5 fix verdicts that are no row: see `test_soundness.py`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dltsym.functions.table import lookup
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Rel
from dltsym.prove.problem import Fact, Problem, prepare


class Case(NamedTuple):
    """One row of a table: `engine` is where the design expects the verdict, `grade` what it should be."""

    id: str
    statement: str
    given: tuple[str, ...] = ()
    engine: str = ""
    grade: str = "exact"
    hint: str = ""
    shapes: str = ""  # "M:m,n X:m" where the convention of this file does not fit


# Abbreviations of the note; a row with arguments is a macro.
MACROS: dict[str, tuple[tuple[str, ...], str]] = {
    "S3": ((), "exp(x1)+exp(x2)+exp(x3)"),
    "ST": ((), "exp(x1/T)+exp(x2/T)+exp(x3/T)"),
    "ss": ((), "(l1-lb)**2+(l2-lb)**2+(l3-lb)**2+(l4-lb)**2"),
    "lb": ((), "(l1+l2+l3+l4)/4"),
    "Nc": ((), "Gc*(C/6)**(beta/(alpha+beta))"),
    "Dc": ((), "(C/6)**(alpha/(alpha+beta))/Gc"),
    "Gc": ((), "(alpha*A/(beta*B))**(1/(alpha+beta))"),
    "pr": ((), "at/bt+1/(1-ap)"),
    "bt": ((), "1-at"),
    "at": ((), "ab/ap"),
    "Zb": ((), "exp(beta)+(n-1)*exp(beta*gamma)"),
    "Zn": ((), "Sum(exp(X[j]),(j,1,n))"),
    "zoh": (("d", "x"), "exp(a*d)*x+(exp(a*d)-1)/a*b"),
    "xi": ((), "Sum(binomial(n,k)*(k/n)**k*(1-k/n)**(n-k),(k,0,n))"),
    "gelut": (("x",), "x*(1+tanh(sqrt(2/pi)*(x+44715*x**3/1000000)))/2"),
    "gelu": (("x",), "x*(1+erf(x/sqrt(2)))/2"),
}
LAM = ("0<ab", "ab<ap", "ap<1")
POS = ("A>0", "B>0", "C>0", "alpha>0", "beta>0")
IDX = ("1<=k", "k<=n")
UNIT = ("0<p", "p<1")
MAURER = ("k<=B", "k>=(p-q)**2/(2*p)", "p>0", "q>=0", "q<=p", "B>=0")
QUAD = "Sum(M[i,j]*X[i]*X[j],(i,1,n),(j,1,n))"
PMEAN = "Sum(P[j],(j,1,n))"

IDENTITIES = (
    Case("I01", "diff(exp(x1)/S3,x1) = exp(x1)/S3*(1-exp(x1)/S3)", (), "tower"),
    Case("I02", "diff(exp(x1)/S3,x2) = -exp(x1)*exp(x2)/S3**2", (), "tower"),
    Case(
        "I03",
        "4*(l1**2+l2**2+l3**2+l4**2)/(l1+l2+l3+l4)**2 = 1+(ss/4)/lb**2",
        ("l1>0", "l2>0", "l3>0", "l4>0"),
        "tower",
    ),
    Case("I04", "alpha*A*Nc**(-alpha) = beta*B*Dc**(-beta)", POS, "logform"),
    Case("I05", "6*Nc*Dc = C", POS, "logform"),
    Case("I06", "1/pr = (1-ap)/(1-ab)*bt", LAM, "tower"),
    Case(
        "I07",
        "(sqrt(at)/bt*x_t+sqrt(ap)/(1-ap)*x_0)/pr = sqrt(ap)*bt/(1-ab)*x_0+sqrt(at)*(1-ap)/(1-ab)*x_t",
        LAM,
        "tower",
    ),
    Case("I08", "diff(sin(t)+(pi-t)*cos(t),t) = -(pi-t)*sin(t)", (), "tower"),
    Case("I09", "diff((sqrt(1-r**2)+r*(pi-acos(r)))/pi,r) = (pi-acos(r))/pi", ("-1<r", "r<1"), "tower"),
    Case(
        "I10",
        "-log(s1)+log(s2)+(s1**2+m1**2-2*m1*m2+m2**2)/(2*s2**2) = log(s2/s1)+(s1**2+(m1-m2)**2)/(2*s2**2)",
        ("s1>0", "s2>0"),
        "tower",
    ),
    Case("I11", "diff(zoh(d,X0),d) = a*zoh(d,X0)+b", ("a!=0",), "tower"),
    Case("I12", "zoh(d,X0) = zoh(d/2,zoh(d/2,X0))", ("a!=0",), "tower"),
    Case("I14", "log(exp(x1+c)+exp(x2+c)+exp(x3+c)) = c+log(S3)", (), "tower"),
    Case(
        "I15",
        "diff(T*log(ST),T) = -(exp(x1/T)/ST*log(exp(x1/T)/ST)+exp(x2/T)/ST*log(exp(x2/T)/ST)"
        "+exp(x3/T)/ST*log(exp(x3/T)/ST))",
        ("T>0",),
        "tower",
    ),
    Case(
        "I16",
        "2*((exp(beta)*gamma+exp(beta*gamma)+(n-2)*exp(beta*gamma)*gamma)/Zb"
        "-(exp(beta)+(n-1)*exp(beta*gamma)*gamma)/Zb*gamma) = 2*exp(beta*gamma)*(1-gamma)*((n-1)*gamma+1)/Zb",
        ("n>=2",),
        "tower",
    ),
    Case("I17", "tanh(u) = 2*sg(2*u)-1", (), "tower"),
    Case("I18", "diff(spl(u),u,2) = sg(u)*(1-sg(u))", (), "tower"),
    Case("I19", "log(sg(u))-log(sg(-u)) = u", (), "tower"),
    Case("I20", "K/sqrt(8*n*K)+sqrt(8*n*K)/(8*n) = sqrt(K/(2*n))", ("K>0", "n>0"), "tower"),
    Case("I21", "kl(sg(a),sg(b)) = spl(b)-spl(a)-sg(a)*(b-a)", (), "tower"),
    Case("I22", "diff(u*sg(u),u) = sg(u)*(1+u*(1-sg(u)))", (), "tower"),
    Case("I23", "log(cosh(u)) = u+log(1+exp(-2*u))-log(2)", (), "tower"),
    Case("S01", "Sum(M[i,j],(i,1,n),(j,1,m)) = Sum(M[i,j],(j,1,m),(i,1,n))", (), "sums"),
    Case("S03", "Sum((X[i]-Sum(X[j],(j,1,n))/n)**2,(i,1,n)) = Sum(X[i]**2,(i,1,n))-Sum(X[i],(i,1,n))**2/n", (), "sums"),
    Case(
        "S04", f"n*Sum((P[i]/{PMEAN})**2,(i,1,n)) = 1+(Sum((P[i]-{PMEAN}/n)**2,(i,1,n))/n)/({PMEAN}/n)**2", (), "sums"
    ),
    Case("S05", "Sum((X[i]-X[j])**2,(i,1,n),(j,1,n)) = 2*n*Sum(X[i]**2,(i,1,n))-2*Sum(X[i],(i,1,n))**2", (), "sums"),
    Case("S06", "Sum(exp(X[i])/Zn,(i,1,n)) = 1", (), "sums"),
    Case(
        "S07",
        "diff(exp(X[k])/Zn,X[l]) = exp(X[k])/Zn*KroneckerDelta(k,l)-exp(X[k])*exp(X[l])/Zn**2",
        (*IDX, "1<=l", "l<=n"),
        "sums",
    ),
    Case("S08", "diff(log(Zn),X[k]) = exp(X[k])/Zn", IDX, "sums"),
    Case("S09", "-Sum(exp(X[i])/Zn*log(exp(X[i])/Zn),(i,1,n)) = log(Zn)-Sum(X[i]*exp(X[i]),(i,1,n))/Zn", (), "sums"),
    Case("S10", "diff(-Sum(Y[i]*log(exp(X[i])/Zn),(i,1,n)),X[k]) = Sum(Y[i],(i,1,n))*exp(X[k])/Zn-Y[k]", IDX, "sums"),
    Case(
        "S11",
        "Sum(Sum(Y[i]*M[j,i],(i,1,n))*X[j],(j,1,m)) = Sum(Y[i]*Sum(M[j,i]*X[j],(j,1,m)),(i,1,n))",
        (),
        "sums",
        shapes="M:m,n X:m",
    ),
    Case(
        "S12",
        "Sum(X[i]**2,(i,1,n))*Sum(Y[j]**2,(j,1,n))-Sum(X[i]*Y[i],(i,1,n))**2"
        " = Sum((X[i]*Y[j]-X[j]*Y[i])**2,(i,1,n),(j,1,n))/2",
        (),
        "sums",
    ),
    Case("S13", "Sum(M[i,j],(j,1,i),(i,1,n)) = Sum(M[i,j],(i,j,n),(j,1,n))", (), "sums"),
    Case(
        "S14",
        "Sum(log(Sum(P[i]*exp(M[i,j]),(j,1,n))),(i,1,n))"
        " = Sum(log(P[j]),(j,1,n))+Sum(log(Sum(exp(M[j,i]),(i,1,n))),(j,1,n))",
        (),
        "sums",
    ),
    Case("S15", f"diff(log({QUAD}),X[k]) = Sum((M[k,j]+M[j,k])*X[j],(j,1,n))/{QUAD}", (*IDX, f"{QUAD} > 0"), "sums"),
    Case("S16", "Sum(X[i],(j,i,n),(i,1,n)) = Sum((n-i+1)*X[i],(i,1,n))", (), "sums"),
    Case("S17", "Sum(c**i*(1-c),(i,0,n-1)) = 1-c**n", ("0<c", "c<1"), "induction"),
    Case("S18", "Sum(i*c**(i-1),(i,1,n)) = (1-(n+1)*c**n+n*c**(n+1))/(1-c)**2", ("0<c", "c<1"), "induction"),
    Case("C01", "Integral(x**2*exp(-x**2/2)/sqrt(2*pi),(x,0,oo)) = Rational(1,2)", (), "integrals"),
    Case("C02", "limit((exp(x)-1)/x,x,0) = 1", (), "limits"),
)

INEQUALITIES = (
    Case("L01", "kl(p,q) >= 2*(p-q)**2", (*UNIT, "0<q", "q<1"), "ladder", hint="p @ q"),
    Case("L02", "kl(q,p) >= (p-q)**2/(2*p)", ("0<q", "q<=p", "p<1"), "ladder", hint="q @ p"),
    Case("L03", "log(1+x) <= x", ("x>-1",), "ladder", hint="x @ 0"),
    Case("L04", "log(1+x) >= x/(1+x)", ("x>=0",), "ladder", hint="x @ 0"),
    Case("L05", "log(1+x) >= 2*x/(2+x)", ("x>=0",), "ladder", hint="x @ 0"),
    Case("L06", "log(cosh(x)) <= x**2/2", (), "ladder", hint="x @ 0"),
    Case("L07", "log(1-p+p*exp(s))-p*s <= s**2/8", UNIT, "ladder", hint="s @ 0"),
    Case("L08", "(1+x)*log(1+x)-x >= x**2/(2*(1+x/3))", ("x>=0",), "ladder", hint="x @ 0"),
    Case("L09", "x <= log(1+x+x**2/(2*(1-x/3)))", ("x>=0", "x<3"), "ladder", hint="x @ 0"),
    Case("L10", "exp(x) >= 1+x", (), "ladder", hint="x @ 0"),
    Case("L11", "spl(x) <= log(2)+x/2+x**2/8", (), "ladder", hint="x @ 0"),
    Case("L12", "sg(x) <= Rational(1,2)+x/4", ("x>=0",), "ladder", hint="x @ 0"),
    Case("L13", "tanh(x) <= x", ("x>=0",), "ladder", hint="x @ 0"),
    Case("L14", "log(x) <= x-1", ("x>0",), "ladder", hint="x @ 1"),
    Case("L15", "-log(1-p*(1-exp(-lam))) <= lam*p", (*UNIT, "lam>=0"), "ladder", hint="lam @ 0"),
    Case("L16", "x*log(x) >= x-1", ("x>0",), "ladder", hint="x @ 1"),
    Case("L17", "log(1+x) <= x-x**2/2+x**3/3", ("x>=0",), "ladder", hint="x @ 0"),
    Case("L18", "exp(-x) <= 1-x+x**2/2", ("x>=0",), "ladder", hint="x @ 0"),
    Case("L19", "2*log(u) <= (u**2-1)/u", ("u>=1",), "ladder", hint="u @ 1"),
    Case("L20", "log(1-x) >= -x-x**2", ("x>=0", "x<=Rational(1,2)"), "ladder", hint="x @ 0"),
    Case("L21", "-log(1-x)-x <= x**2/(2*(1-x))", ("x>=0", "x<1"), "ladder", hint="x @ 0"),
    Case("L22", "exp(x)-1-x <= x**2/(2*(1-x/3))", ("x>=0", "x<3"), "ladder", hint="x @ 0"),
    Case("L23", "sg(x)*(1-sg(x)) <= Rational(1,4)", (), "signs"),
    Case("L24", "spl(x) >= x", (), "ladder"),
    Case("L25", "u <= u**2/(2*c)+c/2", ("u>0", "c>0"), "signs"),
    Case("L26", "exp(x) <= 1+x+x**2", ("x>=0", "x<=1"), "ladder"),
    Case("T01", "Sum(P[i]*log(P[i]/Q[i]),(i,1,n)) >= Sum(P[i],(i,1,n))-Sum(Q[i],(i,1,n))", (), "termwise"),
    Case(
        "T02",
        "Sum(P[i]*log(P[i]/Q[i]),(i,1,n)) <= Sum((P[i]-Q[i])**2/Q[i],(i,1,n))",
        ("Sum(P[i],(i,1,n)) = 1", "Sum(Q[i],(i,1,n)) = 1"),
        "termwise",
    ),
    Case("T03", "Sum(X[i]*Y[i],(i,1,n))**2 <= Sum(X[i]**2,(i,1,n))*Sum(Y[i]**2,(i,1,n))", (), "termwise"),
    Case("P01", "x**3+y**3+z**3 >= 3*x*y*z", ("x>=0", "y>=0", "z>=0"), "sos"),
    Case("P02", "(x1*p1+x2*p2+x3*p3)**2 <= (x1**2+x2**2+x3**2)*(p1**2+p2**2+p3**2)", (), "sos"),
    Case("P03", "x**4*y**2+x**2*y**4+1 >= 3*x**2*y**2", (), "sos"),
    Case("P04", "x*(x-y)*(x-z)+y*(y-x)*(y-z)+z*(z-x)*(z-y) >= 0", ("x>=0", "y>=0", "z>=0"), "sos"),
    Case("P05", "8*(M1**2+M2**2+M3**2+M4**2+M5**2+M6**2+M7**2+M8**2) >= 1", ("M1+M2+M3+M4+M5+M6+M7+M8 = 1",), "sos"),
    Case("P06", "p*x**2+q*y**2+(1-p-q)*z**2 >= (p*x+q*y+(1-p-q)*z)**2", ("p>=0", "q>=0", "p+q<=1"), "sos"),
    Case(
        "P07",
        "p*x**2+q*y**2+(1-p-q)*z**2-(p*x+q*y+(1-p-q)*z)**2 <= (x**2+y**2+z**2)/2",
        ("p>=0", "q>=0", "p+q<=1"),
        "sos",
    ),
    Case("P08", "(x+y)**3 <= 4*(x**3+y**3)", ("x>=0", "y>=0"), "sos"),
    Case("G01", "p <= q+sqrt(B/2)", ("k<=B", "k>=2*(p-q)**2"), "smt", "smt"),
    Case("G02", "p <= q+sqrt(2*q*B)+2*B", MAURER, "smt", "smt"),
    Case("G03", "p <= 2*q+2*B", MAURER, "smt", "smt"),
    Case("G04", "K/lam+lam/(8*n) >= sqrt(K/(2*n))", ("K>=0", "lam>0", "n>0"), "smt", "smt"),
    Case(
        "G05", "f1 <= f0-eta/2*g2", ("L>0", "eta>0", "eta*L<=1", "g2>=0", "f1<=f0-eta*g2+L*eta**2/2*g2"), "smt", "smt"
    ),
    Case(
        "G06",
        "f1 <= (1-eta*mu)*f0",
        ("L>0", "mu>0", "mu<=L", "eta>0", "eta*L<=1", "f0>=0", "g2>=2*mu*f0", "f1<=f0-eta/2*g2"),
        "smt",
        "smt",
    ),
    Case("G07", "(1-ap)/(1-ab)*(1-ab/ap) <= 1-ab/ap", LAM, "smt", "smt"),
    Case("G08", "((1+d*A/2)/(1-d*A/2))**2 <= 1", ("A<=0", "d>0"), "smt", "smt"),
    Case("G09", "x <= 2*a+b**2", ("x>=0", "a>=0", "b>=0", "x<=a+b*sqrt(x)"), "smt", "smt"),
    Case("G10", "(1-x)*exp(x) <= 1", ("x<1",), "smt", "smt"),
    Case(
        "B01",
        "kl(p,q) >= 2*(p-q)**2",
        ("Rational(1,10)<=p", "p<=Rational(4,10)", "Rational(6,10)<=q", "q<=Rational(9,10)"),
        "balls",
        "ball",
    ),
    Case(
        "B02",
        "log(1-p+p*exp(s))-p*s <= s**2/8",
        ("Rational(1,20)<=p", "p<=Rational(19,20)", "Rational(1,4)<=s", "s<=4"),
        "balls",
        "ball",
    ),
    Case("B03", "(gelu(x)-gelut(x))**2 <= Rational(48,100000)**2", ("-6<=x", "x<=6"), "balls", "ball"),
    Case("B04", "(gelu(x)-x*sg(Rational(1702,1000)*x))**2 <= Rational(21,1000)**2", ("-6<=x", "x<=6"), "balls", "ball"),
    Case("B05", "x*sg(x) >= -Rational(2785,10000)", ("-10<=x", "x<=10"), "balls", "ball"),
    Case("B06", "diff(x*sg(x),x) <= Rational(11,10)", ("-10<=x", "x<=10"), "balls", "ball"),
    Case("B07", "sqrt(n) <= xi", ("n>=1", "n<=300"), "finite", "ball"),
    Case("B07u", "xi <= 2*sqrt(n)", ("n>=1", "n<=300"), "finite", "ball"),
    Case("R01", "-p*log(p)-(1-p)*log(1-p) <= log(2)*(4*p*(1-p))**(1/log(4))", UNIT, "sampled", "tested"),
)

# Every one of these is false; `engine` is the part that is known to find a witness.
MUTANTS = (
    Case("M01", "diff(exp(x1)/S3,x2) = exp(x1)*exp(x2)/S3**2", (), "sample", "refuted"),
    Case(
        "M02",
        "4*(l1**2+l2**2+l3**2+l4**2)/(l1+l2+l3+l4)**2 = 1+(ss/3)/lb**2",
        ("l1>0", "l2>0", "l3>0", "l4>0"),
        "sample",
        "refuted",
    ),
    Case(
        "M03",
        "alpha*A*(Gc*(C/6)**(alpha/(alpha+beta)))**(-alpha) = beta*B*((C/6)**(beta/(alpha+beta))/Gc)**(-beta)",
        POS,
        "sample",
        "refuted",
    ),
    Case("M04", "1/pr = bt", LAM, "sample", "refuted"),
    Case("M05", "sqrt(u**2) = u", (), "sample", "refuted"),
    Case("M06", "log(u**2) = 2*log(Abs(u))*Rational(1000001,1000000)", ("u!=0",), "sample", "refuted"),
    Case(
        "M07",
        "Sum(log(Sum(exp(M[i,j]),(j,1,n))),(i,1,n)) = Sum(log(Sum(exp(M[j,i]),(j,1,n))),(i,1,n))",
        (),
        "sample",
        "refuted",
    ),
    Case("M08", "Sum(KroneckerDelta(i,0)*X[i],(i,1,n)) = X[0]", (), "sample", "refuted"),
    Case("M09", "Sum(M[i,j],(j,1,i),(i,1,n)) = Sum(M[j,i],(j,1,i),(i,1,n))", (), "sample", "refuted"),
    Case("M10", "n*Sum(X[i]*Y[i],(i,1,n)) = Sum(X[i],(i,1,n))*Sum(Y[j],(j,1,n))", (), "sample", "refuted"),
    Case(
        "M11",
        "Sum((X[i]-Sum(X[j],(j,1,n))/n)**2,(i,1,n)) = Sum(X[i]**2,(i,1,n))-Sum(X[i],(i,1,n))**2",
        (),
        "sample",
        "refuted",
    ),
    Case(
        "M12",
        f"n*Sum((P[i]/{PMEAN})**2,(i,1,n)) = 1+(Sum((P[i]-{PMEAN}/n)**2,(i,1,n))/n)/({PMEAN}/n)",
        (),
        "sample",
        "refuted",
    ),
    Case(
        "M13",
        "diff(exp(X[k])/Zn,X[l]) = exp(X[k])/Zn*KroneckerDelta(k,l)+exp(X[k])*exp(X[l])/Zn**2",
        (*IDX, "1<=l", "l<=n"),
        "sample",
        "refuted",
    ),
    Case("M14", "Sum(M[i,j],(i,1,n),(j,1,m)) = Sum(M[i,j],(i,1,m),(j,1,n))", (), "sample", "refuted"),
    Case("M15", "kl(p,q) >= Rational(201,100)*(p-q)**2", (*UNIT, "0<q", "q<1"), "sample", "refuted", "p @ q"),
    Case("M16", "log(cosh(x)) <= Rational(49,100)*x**2", (), "sample", "refuted", "x @ 0"),
    Case("M17", "log(1-p+p*exp(s))-p*s <= s**2/9", UNIT, "sample", "refuted", "s @ 0"),
    Case("M18", "exp(x)-1-x <= x**2/(2*(1-x/4))", ("x>=0", "x<4"), "sample", "refuted", "x @ 0"),
    Case("M19", "1/(1-x)+1-exp(-x) >= 0", ("x>=0", "x!=1"), "sample", "refuted", "x @ 0"),
    Case("M20", "log(x) >= 0", ("x>0",), "sample", "refuted", "x @ 1"),
    Case("M21", "p <= q+sqrt(B)/2", ("k<=B", "k>=2*(p-q)**2", "q>0", "q<p", "p<1"), "smt", "refuted"),
    Case("M22", "p <= q+sqrt(q*B)+B", MAURER, "smt", "refuted"),
    Case(
        "M23",
        "f1 <= f0-eta/2*g2",
        ("L>0", "eta>0", "eta*L<=2", "g2>=0", "f1<=f0-eta*g2+L*eta**2/2*g2"),
        "smt",
        "refuted",
    ),
    Case("M24", "(x+y)**3 <= Rational(39,10)*(x**3+y**3)", ("x>=0", "y>=0"), "smt", "refuted"),
    Case("M25", "p <= 2*q+Rational(3,2)*B", MAURER, "smt", "refuted"),
    Case("M26", "x*sg(x) >= -Rational(2784,10000)", ("-10<=x", "x<=10"), "balls", "refuted"),
    Case("X5", "xi <= Rational(3,2)*sqrt(n)", ("n>=8", "n<=300"), "finite", "refuted"),
    Case("M27", "(gelu(x)-gelut(x))**2 <= Rational(47,100000)**2", ("-6<=x", "x<=6"), "balls", "refuted"),
)

ALL = {case.id: case for case in (*IDENTITIES, *INEQUALITIES, *MUTANTS)}
_NAME = re.compile(r"[A-Za-z_]\w*")


def _arguments(text: str, start: int) -> tuple[list[str], int]:
    """Split ``(a, b(c, d))`` that begins at `start` into its arguments; also say where it ends."""
    depth, parts, at = 0, [""], start
    while True:
        c = text[at]
        depth += (c in "([") - (c in ")]")
        at += 1
        if depth == 0:
            return [*parts[:-1], parts[-1]], at
        if depth == 1 and c == ",":
            parts.append("")
        elif not (depth == 1 and c in "(["):
            parts[-1] += c


def expand(text: str) -> str:
    """Replace the abbreviations of the note by their definitions."""
    out, at = "", 0
    while found := _NAME.search(text, at):
        out += text[at : found.start()]
        at = found.end()
        if found[0] not in MACROS:
            out += found[0]
            continue
        params, body = MACROS[found[0]]
        if params:
            args, at = _arguments(text, at)
            given = {p: f"({expand(a)})" for p, a in zip(params, args, strict=True)}
            body = _NAME.sub(lambda m, given=given: given.get(m[0], m[0]), body)
            out += f"({body})"
        else:
            out += f"({expand(body)})"
    return out + text[at:]


def scope_for(text: str, ranges: dict[str, str] | None = None, shapes: str = "") -> Scope:
    """Declare the names of an expanded text by the conventions of this file."""
    found = dict.fromkeys(_NAME.findall(text))
    names = [
        w for w in found if lookup(w) is None and w not in ("Sum", "diff", "limit", "Integral", "Rational", "pi", "oo")
    ]
    discrete, v = "[" in text or "Sum(" in text, Scope()
    own = dict(part.split(":") for part in shapes.split())
    sizes = [w for w in names if w in ("n", "m")] if discrete else []
    if discrete and "n" not in sizes and any(w in names for w in ("X", "Y", "P", "Q", "M")):
        sizes.append("n")
    for name in sizes:
        v.count(name)
    for name in (w for w in names if w not in sizes):
        if discrete and name in ("X", "Y", "P", "Q", "M") and f"{name}[" in text:
            default = ("n,m" if "m" in sizes else "n,n") if name == "M" else "n"
            shape = tuple(v.symbols[s] for s in own.get(name, default).split(","))
            v.array(name, shape, lo=0 if name in "PQ" else None, lo_open=name in "PQ")
        elif discrete and name in ("i", "j", "k", "l"):
            v.index(name, v.symbols[ranges[name]]) if ranges and name in ranges else v.integer(name)
        else:
            v.real(name)
    return v


def build(
    case: Case | str, given: tuple[str, ...] = (), hint: str = "", facts: tuple[str, ...] = (), shapes: str = ""
) -> Problem:
    """Return the problem of a case, or of a statement with hypotheses and facts as text."""
    if isinstance(case, Case):
        case, given, hint, shapes = case.statement, case.given, case.hint, case.shapes
    goal, hyps, known = expand(case), [expand(h) for h in given], [expand(f) for f in facts]
    discrete = "[" in goal or "Sum(" in goal
    ranges = {k: n for k in "ijkl" for n in "nm" if discrete and f"1<={k}" in hyps and f"{k}<={n}" in hyps}
    hyps = [h for h in hyps if h not in {t for k, n in ranges.items() for t in (f"1<={k}", f"{k}<={n}")}]
    v = scope_for(" ; ".join([goal, *hyps, *known]), ranges, shapes)
    relations: list[Rel] = [r for h in hyps for r in v.relations(h)]
    lemmas = tuple(Fact(f"fact{k}", r, "exact") for k, f in enumerate(known) for r in v.relations(f))
    return prepare(v.relations(goal)[0], relations, lemmas, hint)
