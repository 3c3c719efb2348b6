"""Statements that are false, or that mean nothing: no engine may prove one of them.

Each group has the declarations of its symbols; a row is a goal with its hypotheses. They attack what an engine is
tempted to assume: a factor that is not zero, a branch of a root, a range that is not empty, an index that is an
integer, an end point, a hypothesis that holds for one index only.
"""

# fmt: off
FALSE = {
    "x real; y real; a real": (
        ("x = 0", ("a*x = 0",)), ("x = y", ("a*x = a*y",)), ("x = y", ("x**2 = y**2",)), ("x/y=1", ("x*y=y**2",)),
        ("x = 1", ("x**2 = x",)), ("x*a = 1", ("x*a*y = y",)), ("x=y", ("exp(a)*x*a = exp(a)*y*a",)),
        ("x=y", ("sin(x)=sin(y)",)), ("x=y", ("cos(x)=cos(y)",)), ("x=y", ("abs(x)=abs(y)",)),
        ("a=1", ("a*(x-y)=x-y",)), ("x=-y", ("(x+y)*(x-y)=0",)), ("sqrt(x**2)=x", ()), ("sqrt(x)**2 = abs(x)", ()),
        ("log(x**2)=2*log(x)", ("x!=0",)), ("log(x*y)=log(x)+log(y)", ("x*y>0",)),
        ("log(x**2*y**2) = 2*log(x*y)", ("x*y!=0",)), ("(x**2)**(1/2) = x", ()), ("(x**3)**(1/3) = x", ()),
        ("sqrt(x*y)=sqrt(x)*sqrt(y)", ("x*y>=0",)), ("sqrt(x/y)=sqrt(x)/sqrt(y)", ("x*y>0",)),
        ("(x**2)**(101/50) = x**(101/25)", ()), ("sqrt((x-y)**2)=x-y", ("x>=0", "y>=0",)),
        ("sqrt(x**2+2*x*y+y**2)=x+y", ("x>=0",)), ("acos(cos(x))=x", ()), ("asin(sin(x))=x", ("x>=0",)),
        ("atan(sin(x)/cos(x))=x", ("cos(x)!=0",)), ("sqrt(1-sin(x)**2)=cos(x)", ()),
        ("sin(acos(x))=x", ("x>=0", "x<=1",)), ("abs(x+y)=abs(x)+abs(y)", ()), ("max(x,y)=x", ()),
        ("max(x,y)+min(x,y)=2*x", ()), ("abs(x)*abs(y)=x*y", ()), ("x**2 > 0", ()), ("abs(x) > 0", ()),
        ("exp(x) > 1", ("x>=0",)), ("exp(x) >= 2+x", ()), ("x*y>=0", ("x>=y",)),
        ("1/x >= 1/y", ("x<=y", "x!=0", "y!=0",)), ("x/y <= x", ("y>=1",)), ("x**2<=y**2", ("x<=y",)),
        ("x < y", ("x<=y", "x!=a",)), ("log(x)<x-1", ("x>0",)), ("exp(x)>1+x", ()), ("x**a >= 1", ("x>=1",)),
        ("x**a <= x**y", ("x>0", "a<=y",)), ("x**y * x**a = x**(y*a)", ("x>0",)), ("log(x)>=0", ("x>0",)),
        ("log(1+x)<=x-x**2/2", ("x>=0",)), ("log(1+x)<=x-x**2/2+x**3/4", ("x>=0",)),
        ("1/(1-x)+1-exp(-x)>=0", ("x>=0", "x!=1",)), ("x*exp(x) >= -1/3", ()), ("x*log(x) >= -1/3", ("x>0",)),
        ("tanh(x)<=x", ()), ("sin(x)<=x", ()), ("cos(x)>=1-x**2/3", ()), ("sin(x)<=99/100", ()),
        ("erf(x)<=99/100", ()), ("abs(erf(x))<=x", ()), ("softplus(x)<=log(2)+x/2+x**2/9", ()),
        ("x**4+y**4+1>=4*x*y", ()), ("x**4*y**2+x**2*y**4+1 >= 301*x**2*y**2/100", ()),
        ("x**3+y**3>=2*x*y", ("x>=0", "y>=0",)), ("x**x >= 7/10", ("x>0",)), ("x<=1", ("x**2<=x*y",)),
        ("x=y", ("a=x-y", "a**2=a",)), ("x<0", ("x**3<=0",)), ("x>=0", ("x*abs(x)>=0-1",)),
        ("log(x)=log(y)", ("x**2=y**2", "x>0", "y>=-1",)), ("1/x=1/y", ("x**2=y**2", "x!=0", "y!=0",)),
        ("x/x=1+0*y", ()), ("(x**2-y**2)/(x-y)=x+y+a-a", ("x>=y",)), ("x=2", ("x*(x-2)=0",)),
        ("x>=2", ("x*(x-2)=0",)), ("sqrt(x)>=sqrt(y)", ("x>=y-1", "x>=0", "y>=0",)), ("x**(1/3) <= x", ("x>=0",)),
        ("x**(101/50) <= x**2", ("x>=0",)), ("x**(-1/2) <= 1", ("x>0",)), ("x**y>0", ("x>=0", "y>=0",)),
        ("exp(x*y)<=(exp(x)+exp(y))/2", ()), ("exp((x+y)/2)>=(exp(x)+exp(y))/2", ()),
        ("log((x+y)/2)<=(log(x)+log(y))/2", ("x>0", "y>0",)), ("tanh(x+y)=tanh(x)+tanh(y)", ()),
        ("sigmoid(x)+sigmoid(y)<=1", ("x<=y", "x<=0",)), ("sigmoid(x)*(1-sigmoid(x)) < 1/4", ()),
        ("softplus(x)>=x+1/100", ()), ("erf(x)**2+erf(y)**2<=erf(x+y)**2+1/2", ()),
        ("diff(sqrt(x**2),x)=1", ("x!=0",)), ("diff(log(x**2),x)=1/x", ("x!=0",)),
        ("diff(x**y,y)=y*x**(y-1)", ("x>0",)), ("diff(x**x,x)=x**x", ("x>0",)), ("diff(x*y,x,2)=y", ()),
        ("diff(diff(x**2*y,x),y)=2*x*y", ()), ("max(x,y)*min(x,y)=x**2", ()), ("max(x,y)>=x+1/100", ()),
        ("abs(max(x,y))>=abs(x)", ()), ("min(x,y)<=x-1/100", ()), ("max(x,-x)=x", ()), ("x<=y+a", ("x<=y",)),
        ("x**2+y**2>=2*x*y+a**2", ()), ("x>=0", ("y>=x",)), ("x!=0", ("x*y!=1",)), ("x!=y", ("x**2!=y**2+1",)),
        ("x*y!=0", ("x!=0",)), ("x+y!=0", ("x!=0", "y!=0",)), ("exp(x)!=1", ("x!=1",)),
    ),
    "n integer": (
        ("n**2 >= n + 1/1000", ()), ("n**2 > n", ()), ("n*(n-1)*(n-2)>0", ("n>=0",)), ("cos(pi*n)=1", ()),
        ("sin(pi*n/2)=0", ()), ("(-1)**(2*n+1)=1", ("n>=0",)), ("0**n = 0", ("n>=0",)), ("n >= 1", ("n!=3",)),
    ),
    "n integer; x real": (
        ("x**2>=x", ()),
    ),
    "n integer lo=0": (
        ("2**n > n+1", ()), ("2**n >= n**2", ()),
    ),
    "n integer lo=0; X array n; P array n lo=0 lo_open=True; M array n n; k index n; l index n": (
        ("n >= 1", ("X[k] >= 0",)), ("n>=1", ("k>=1",)), ("Sum(P[i],(i,1,n)) > 0", ()), ("Sum(1,(i,1,n))>=1", ()),
        ("Sum(exp(X[i]),(i,1,n))>0", ()), ("Sum(1,(i,1,n-3)) = n-3", ()), ("Sum(i,(i,1,n-2)) = (n-2)*(n-1)/2", ()),
        ("Sum(2**i,(i,3,n)) = 2**(n+1)-8", ()),
    ),
    "n count; m count; X array n; Y array n; P array n lo=0 lo_open=True; M array n n; k index n; l index n; z real; "
    "j integer": (
        ("Sum(X[i],(i,1,n)) = Sum(X[i+1],(i,1,n-1))", ()), ("Sum(delta(i,j)*X[i],(i,1,n)) = X[k]", ("1<=j", "j<=n",)),
        ("Sum(delta(i,z)*i,(i,1,n)) = z", ("1<=z", "z<=n",)), ("Sum(delta(2*i,j),(i,1,n)) = 1", ("2<=j", "j<=2*n",)),
        ("delta(k,l)=0", ()), ("delta(k,l)=1", ()), ("delta(z,z/2)=0", ()), ("delta(k,l)*X[k]=delta(k,l)*Y[l]", ()),
        ("Sum(M[i,i],(i,1,n)) = Sum(M[i,j],(i,1,n),(j,1,n))", ()),
        ("Sum(Sum(M[i,j],(j,1,n))**2,(i,1,n)) = Sum(Sum(M[i,j],(i,1,n))**2,(j,1,n))", ()),
        ("Sum(X[i]*Sum(X[i],(i,1,n)),(i,1,n)) = Sum(X[i]**2,(i,1,n))*n", ()),
        ("Sum(X[i],(i,1,n)) = 0", ("Sum(X[i],(i,1,m)) = 0",)),
        ("Sum(X[i]*Y[i],(i,1,n)) = 0", ("Sum(X[i],(i,1,n)) = 0",)), ("X[k] <= 1", ("Sum(X[i],(i,1,n)) <= 1",)),
        ("X[k]=0", ("Sum(X[i],(i,1,n))=0",)), ("X[k]>=X[l]", ("X[k]>=Y[k]",)), ("Sum(X[i]**2,(i,1,n))>0", ()),
        ("Sum(P[i],(i,2,n))>0", ()), ("Sum(P[i]*log(P[i]),(i,1,n)) >= 0", ()),
        ("Sum(P[i]*log(P[i]/(Y[i]**2+1)),(i,1,n)) >= 0", ("Sum(P[i],(i,1,n))=1",)), ("max(X[k],X[l])=X[k]", ()),
        ("diff(Sum(X[i]**2,(i,1,n)),X[k]) = 2*X[l]", ()), ("diff(X[k]*X[l],X[k]) = X[l]", ()),
        ("diff(Sum(X[i]*M[i,k],(i,1,n)),X[k]) = M[k,k]+1-delta(k,l)", ()),
        ("Sum(Sum(X[j],(j,1,i)),(i,1,n)) = Sum(i*X[i],(i,1,n))", ()), ("X[k] <= 5", ("X[1] <= 5",)),
    ),
    "q prob; p prob open=True": (
        ("kl(q,p) > 0", ()), ("kl(q,p) >= 3*(p-q)**2", ()), ("kl(q,p) <= log(1/p)+log(1/(1-p))-1/10", ()),
        ("q>0", ("kl(q,p)<=1",)), ("q=p", ("kl(q,p)<=1",)),
    ),
    "q prob": (
        ("binary_entropy(q) >= 1/100", ()), ("binary_entropy(q)>0", ()), ("binary_entropy(q)<=693/1000", ()),
        ("xlogx(q)<0", ()), ("q >= 1/10", ("xlogx(q) <= 0", "xlogx(q) >= -1/10",)), ("q > 0", ("xlogx(q) <= 0",)),
        ("q < 1", ("xlogx(q) <= 0",)),
    ),
    "q nonneg": (
        ("xlogx(q)<=0", ()),
    ),
    "q prob; p prob": (
        ("xlogx(q)+xlogx(p) < 0", ()), ("xlogx(q)*xlogx(p) > 0", ()),
    ),
    "n count; q array n lo=0 hi=1": (
        ("Sum(xlogx(q[i]),(i,1,n)) < 0", ()),
    ),
    "n count; q array n lo=0": (
        ("Sum(xlogx(q[i]),(i,1,n)) <= 0", ()),
    ),
    "n count; q array n lo=0; k index n": (
        ("q[k] > 0", ("Sum(xlogx(q[i]),(i,1,n)) <= 0",)),
    ),
    "x real": (
        ("phi1(x) >= 1", ("x!=0",)), ("x*abs(x) = x**2", ()), ("abs(x)**3 = x**3", ()),
        ("max(x,0) = (x+abs(x))/3", ()), ("Integral(t,(t,0,x)) = x", ("x>=0",)),
        ("Integral(1/t,(t,1,x)) = x-1", ("x>=1",)), ("limit(t/abs(t),t,0) = 1", ()), ("limit(x*t,t,oo) = 0", ()),
        ("limit(sin(1/t),t,0)=0", ()), ("Integral(exp(-x*t),(t,0,oo)) = 1/x", ()), ("limit(1/t,t,0,'+')=0", ()),
        ("limit(exp(x*t),t,oo)=0", ("x<=0",)),
    ),
    "x real; c real": (
        ("Sum(c**i,(i,0,5)) = (1-c**6)/(1-c)", ()),
    ),
    "n count; c real": (
        ("Sum(c**i,(i,1,n)) = (1-c**n)/(1-c)", ("c!=1",)),
    ),
    "n count; m count; X array n lo=0; z real; k index n; j integer": (
        ("X[z] >= 0", ("1<=z", "z<=n",)), ("Sum(1,(i,1,z)) = z", ("z>=1",)), ("Sum(1,(i,1,n/2)) = n/2", ()),
        ("Sum(i,(i,1,n/2)) = n/2*(n/2+1)/2", ()), ("Sum(1,(i,1/2,n)) = n+1/2", ()),
        ("Sum(1,(i,z,n)) = n-z+1", ("z>=1", "z<=n",)), ("Sum(1,(i,1,z)) >= z-1/2", ("z>=1",)),
        ("Sum(delta(i,z),(i,1,n))=1", ("1<=z", "z<=n",)), ("delta(z,z+1)=0", ()), ("delta(z,z)=2", ()),
        ("Sum(X[i],(i,1,z)) >= 0", ("z<=n", "z>=1",)), ("Sum(2**i,(i,0,z)) = 2**(z+1)-1", ("z>=0",)),
        ("X[j] >= 0", ("j>=0",)), ("X[k+1]>=0", ()), ("Sum(X[i]-X[i-1],(i,1,n)) = X[n]-X[0]", ()),
        ("Sum(X[i+1],(i,1,n-1)) = Sum(X[i],(i,2,n))+1", ()),
        ("Sum(X[i],(i,1,n)) = X[1]+Sum(X[i],(i,2,n))+X[n]-X[1]", ()), ("Sum(X[i],(i,1,n)) >= X[2]", ("n>=1",)),
        ("Sum(X[i]**2,(i,1,n)) >= Sum(X[i],(i,1,n))", ()), ("Sum(X[i],(i,1,n))**2 <= Sum(X[i]**2,(i,1,n))", ()),
        ("n*Sum(X[i]**2,(i,1,n)) <= Sum(X[i],(i,1,n))**2", ()), ("Sum(X[i],(i,1,n)) <= Sum(X[i],(i,1,m))", ("n<=m",)),
        ("Sum(exp(X[i]),(i,1,n)) <= exp(Sum(X[i],(i,1,n)))", ()), ("Sum(X[i],(i,1,n)) <= n*X[k]", ()),
        ("Sum(exp(-X[i]),(i,1,n)) >= n*exp(-Sum(X[i],(i,1,n))/n)+X[k]/100", ()),
        ("Sum(i**2,(i,1,n)) = n*(n+1)*(2*n+1)/6+(n-1)*(n-2)*(n-3)", ()), ("Sum(1/(i*(i+1)),(i,1,n)) = 1-1/(n+2)", ()),
        ("Sum(1/i,(i,1,n)) <= log(n)+1/2", ()), ("Sum((-1)**i,(i,1,n)) = 0", ()),
        ("Sum(i*2**i,(i,1,n)) = (n-1)*2**(n+1)+3", ()), ("Sum(j**i,(i,0,n)) >= 0", ()), ("2**n >= n+2", ()),
        ("z**n >= 0", ()), ("z**(2*n+1) >= 0", ()), ("z**n > 0", ("z>=0",)), ("abs(z)**n = z**n", ()),
        ("(-z)**n = z**n", ()), ("(z**2)**(n/2) = z**n", ("z!=0",)), ("sqrt(z**(2*n)) = z**n", ()),
        ("(z*z)**n = z**n*z", ()), ("exp(z)**n = exp(z**n)", ()), ("log(exp(z)**n)=z", ()), ("n**z >= 1", ()),
        ("(1+z)**n <= 1+n*z", ("z>=0",)), ("(1+z)**n >= 1+n*z", ()),
    ),
}
# fmt: on
