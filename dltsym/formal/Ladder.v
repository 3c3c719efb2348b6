(* Generic lemmas behind exported certificates; proved once, from Coquelicot's mean value theorem. *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

Definition cvx (D : R -> Prop) := forall a b x, D a -> D b -> a <= x <= b -> D x.

Lemma mono : forall (f d : R -> R) a b, a <= b -> (forall x, a <= x <= b -> is_derive f x (d x)) ->
  (forall x, a <= x <= b -> 0 <= d x) -> f a <= f b.
Proof.
  intros f d a b ab Hd Hp.
  destruct (MVT_gen f a b d) as [c [Hc E]].
  - intros x Hx. rewrite Rmin_left, Rmax_right in Hx by lra. apply Hd; lra.
  - intros x Hx. rewrite Rmin_left, Rmax_right in Hx by lra.
    apply continuity_pt_filterlim. apply (ex_derive_continuous f x). exists (d x). apply Hd; lra.
  - rewrite Rmin_left, Rmax_right in Hc by lra.
    assert (0 <= d c * (b - a)) by (apply Rmult_le_pos; [apply Hp; lra | lra]). lra.
Qed.

Lemma step_right : forall (D : R -> Prop) c (f d : R -> R), cvx D -> D c ->
  (forall x, D x -> c <= x -> is_derive f x (d x)) -> 0 <= f c -> (forall x, D x -> c <= x -> 0 <= d x) ->
  forall x, D x -> c <= x -> 0 <= f x.
Proof.
  intros D c f d HD Hc Hd H0 Hp x Dx cx.
  apply Rle_trans with (f c); [exact H0|].
  apply (mono f d); [exact cx | |]; intros y Hy; [apply Hd | apply Hp]; try lra; apply (HD c x); auto.
Qed.

Lemma step_left : forall (D : R -> Prop) c (f d : R -> R), cvx D -> D c ->
  (forall x, D x -> x <= c -> is_derive f x (d x)) -> 0 <= f c -> (forall x, D x -> x <= c -> d x <= 0) ->
  forall x, D x -> x <= c -> 0 <= f x.
Proof.
  intros D c f d HD Hc Hd H0 Hp x Dx cx.
  apply Rle_trans with (f c); [exact H0|].
  enough (- f x <= - f c) by lra.
  apply (mono (fun y => - f y) (fun y => - d y)); [exact cx | |]; intros y Hy.
  - apply (is_derive_opp f y (d y)). apply Hd; [apply (HD x c); auto | lra].
  - assert (d y <= 0) by (apply Hp; [apply (HD x c); auto | lra]). lra.
Qed.

(* A function is never negative on an interval when it is so at the contact and its derivative has the sign of x - c. *)
Lemma contact : forall (D : R -> Prop) c (f d1 d2 : R -> R), cvx D -> D c ->
  (forall x, D x -> is_derive f x (d1 x)) -> (forall x, D x -> is_derive d1 x (d2 x)) ->
  f c = 0 -> d1 c = 0 -> (forall x, D x -> 0 <= d2 x) -> forall x, D x -> 0 <= f x.
Proof.
  intros D c f d1 d2 HD Hc H1 H2 F0 D0 Hp x Dx.
  destruct (Rle_dec c x) as [L | L].
  - apply (step_right D c f d1); auto; try lra. intros y Dy Ly.
    apply (step_right D c d1 d2); auto; lra.
  - apply (step_left D c f d1); auto; try lra. intros y Dy Ly.
    enough (0 <= - d1 y) by lra.
    apply (step_left D c (fun z => - d1 z) (fun z => - d2 z)); auto; try lra.
    + intros z Dz _. apply (is_derive_opp d1 z (d2 z)). auto.
    + intros z Dz _. specialize (Hp z Dz). lra.
Qed.

Lemma mono_strict : forall (f d : R -> R) a b, a < b -> (forall x, a <= x <= b -> is_derive f x (d x)) ->
  (forall x, a < x <= b -> 0 < d x) -> f a < f b.
Proof.
  intros f d a b ab Hd Hp.
  set (m := (a + b) / 2).
  assert (a < m < b) by (unfold m; lra).
  assert (M1 : forall p q, a <= p -> p < q -> q <= b -> exists c, p <= c <= q /\ f q - f p = d c * (q - p)).
  { intros p q ap pq qb. destruct (MVT_gen f p q d) as [c [Hc E]].
    - intros x Hx. rewrite Rmin_left, Rmax_right in Hx by lra. apply Hd; lra.
    - intros x Hx. rewrite Rmin_left, Rmax_right in Hx by lra.
      apply continuity_pt_filterlim. apply (ex_derive_continuous f x). exists (d x). apply Hd; lra.
    - rewrite Rmin_left, Rmax_right in Hc by lra. exists c. split; auto. }
  assert (M2 : forall p q, a < p -> p < q -> q <= b -> f p < f q).
  { intros p q ap pq qb. destruct (M1 p q) as [c [Hc E]]; try lra.
    assert (0 < d c * (q - p)) by (apply Rmult_lt_0_compat; [apply Hp; lra | lra]). lra. }
  assert (f m < f b) by (apply M2; lra).
  assert (f a <= f m).
  { destruct (Rle_dec (f a) (f m)) as [| N]; [assumption | exfalso].
    apply Rnot_le_lt in N.
    assert (C : continuous f a) by (apply (ex_derive_continuous f a); exists (d a); apply Hd; lra).
    assert (U : locally a (fun x => f m < f x)).
    { apply C. exists (mkposreal (f a - f m) ltac:(lra)). intros y Hy.
      apply Rabs_def2 in Hy. simpl in Hy. unfold minus, plus, opp in Hy. simpl in Hy. lra. }
    destruct U as [e He].
    set (x := a + Rmin (e / 2) ((m - a) / 2)).
    assert (P : 0 < Rmin (e / 2) ((m - a) / 2)) by (apply Rmin_glb_lt; [destruct e; simpl; lra | lra]).
    assert (Q1 := Rmin_l (e / 2) ((m - a) / 2)). assert (Q2 := Rmin_r (e / 2) ((m - a) / 2)).
    assert (f m < f x).
    { apply He. unfold ball; simpl; unfold AbsRing_ball, abs, minus, plus, opp; simpl.
      rewrite Rabs_right; unfold x; destruct e as [e0 He0]; simpl in *; lra. }
    assert (f x < f m) by (apply M2; unfold x; lra). lra. }
  lra.
Qed.

Lemma step_right_strict : forall (D : R -> Prop) c (f d : R -> R), cvx D -> D c ->
  (forall x, D x -> c <= x -> is_derive f x (d x)) -> 0 <= f c -> (forall x, D x -> c < x -> 0 < d x) ->
  forall x, D x -> c < x -> 0 < f x.
Proof.
  intros D c f d HD Hc Hd H0 Hp x Dx cx.
  apply Rle_lt_trans with (f c); [exact H0|].
  apply (mono_strict f d); [exact cx | |]; intros y Hy; [apply Hd | apply Hp]; try lra; apply (HD c x); auto; lra.
Qed.

Lemma step_left_strict : forall (D : R -> Prop) c (f d : R -> R), cvx D -> D c ->
  (forall x, D x -> x <= c -> is_derive f x (d x)) -> 0 <= f c -> (forall x, D x -> x < c -> d x < 0) ->
  forall x, D x -> x < c -> 0 < f x.
Proof.
  intros D c f d HD Hc Hd H0 Hp x Dx cx.
  replace x with (- - x) by ring. replace c with (- - c) in * by ring.
  apply Rle_lt_trans with (f (- - c)); [exact H0|].
  apply (mono_strict (fun y => f (- y)) (fun y => - d (- y)) (- c) (- x)); [lra | |]; intros y Hy.
  - replace (- d (- y)) with (scal (-1) (d (- y))) by (unfold scal; simpl; unfold mult; simpl; ring).
    apply (is_derive_comp f Ropp y).
    + apply Hd; [apply (HD x (- - c)); auto; lra | lra].
    + auto_derive; [exact I | ring].
  - assert (d (- y) < 0) by (apply Hp; [apply (HD x (- - c)); auto; lra | lra]). lra.
Qed.

Lemma concave_ends : forall (f d1 d2 : R -> R) a b,
  (forall x, a <= x <= b -> is_derive f x (d1 x)) -> (forall x, a < x < b -> is_derive d1 x (d2 x)) ->
  (forall x, a < x < b -> d2 x <= 0) -> 0 <= f a -> 0 <= f b -> forall x, a <= x <= b -> 0 <= f x.
Proof.
  intros f d1 d2 a b H1 H2 Hn Fa Fb x Hx.
  destruct (Rle_dec 0 (f x)) as [| N]; [assumption | exfalso]. apply Rnot_le_lt in N.
  assert (a < x) by (destruct (Req_dec a x); [subst; lra | lra]).
  assert (x < b) by (destruct (Req_dec x b); [subst; lra | lra]).
  assert (M1 : forall p q, a <= p -> p < q -> q <= b -> exists c, p < c < q /\ f q - f p = d1 c * (q - p)).
  { intros p q ap pq qb. destruct (MVT_cor2 f d1 p q pq) as [c [E Hc]].
    - intros y Hy. apply is_derive_Reals. apply H1; lra.
    - exists c. split; auto. }
  destruct (M1 a x) as [u [Hu Eu]]; try lra. destruct (M1 x b) as [w [Hw Ew]]; try lra.
  assert (d1 u < 0) by (apply Rnot_le_lt; intro P; assert (0 <= d1 u * (x - a)) by (apply Rmult_le_pos; lra); lra).
  assert (0 < d1 w) by (apply Rnot_le_lt; intro P; assert (0 <= (- d1 w) * (b - x)) by (apply Rmult_le_pos; lra); lra).
  assert (- d1 u <= - d1 w); [| lra].
  apply (mono (fun y => - d1 y) (fun y => - d2 y)); [lra | |]; intros y Hy.
  - apply (is_derive_opp d1 y (d2 y)). apply H2; lra.
  - assert (d2 y <= 0) by (apply Hn; lra). lra.
Qed.

(* Exponentials, logarithms and roots of products. *)
Lemma exp_0_eq : forall x, x = 0 -> exp x = 1.
Proof. intros; subst; apply exp_0. Qed.
Lemma exp_pw : forall (n : nat) x y, y = INR n * x -> exp y = exp x ^ n.
Proof.
  induction n as [| n IH]; intros x y E; subst y.
  - simpl. rewrite Rmult_0_l. apply exp_0.
  - rewrite S_INR, Rmult_plus_distr_r, exp_plus, Rmult_1_l, (IH x (INR n * x) eq_refl). simpl. ring.
Qed.
Lemma exp_ipw : forall (n : nat) x y, y = - (INR n * x) -> exp y = / (exp x ^ n).
Proof. intros n x y E. subst y. rewrite exp_Ropp. f_equal. apply exp_pw. reflexivity. Qed.
Lemma exp_ln_pw : forall (n : nat) x y, 0 < x -> y = INR n * ln x -> exp y = x ^ n.
Proof. intros n x y P E. rewrite (exp_pw n (ln x) y E), exp_ln; auto. Qed.
Lemma exp_ln_ipw : forall (n : nat) x y, 0 < x -> y = - (INR n * ln x) -> exp y = / (x ^ n).
Proof. intros n x y P E. rewrite (exp_ipw n (ln x) y E), exp_ln; auto. Qed.
Lemma ln_pw : forall (n : nat) x c, 0 < x -> c = INR n -> ln (x ^ n) = c * ln x.
Proof.
  induction n as [| n IH]; intros x c P E; subst c.
  - simpl. rewrite ln_1. ring.
  - rewrite S_INR. simpl pow. rewrite ln_mult; [| assumption | apply pow_lt; assumption].
    rewrite (IH x (INR n) P eq_refl). ring.
Qed.
Lemma ln_ipw : forall (n : nat) x c, 0 < x -> c = INR n -> ln (/ (x ^ n)) = - (c * ln x).
Proof. intros. rewrite ln_Rinv; [| apply pow_lt; assumption]. rewrite (ln_pw n x c); auto. Qed.
Lemma pos_ipw : forall (n : nat) x, 0 < x -> 0 < / (x ^ n).
Proof. intros. apply Rinv_0_lt_compat. apply pow_lt. assumption. Qed.
Lemma sqrt_is : forall a b, 0 <= b -> b * b = a -> sqrt a = b.
Proof. intros a b P E. subst a. apply sqrt_square. assumption. Qed.
Lemma exp_ge_1 : forall x, 0 <= x -> 0 <= exp x - 1.
Proof.
  intros x H. destruct (Req_dec x 0) as [E | N]; [subst; rewrite exp_0; lra |].
  assert (exp 0 < exp x) by (apply exp_increasing; lra). rewrite exp_0 in *. lra.
Qed.
Lemma exp_le_1 : forall x, x <= 0 -> 0 <= 1 - exp x.
Proof.
  intros x H. destruct (Req_dec x 0) as [E | N]; [subst; rewrite exp_0; lra |].
  assert (exp x < exp 0) by (apply exp_increasing; lra). rewrite exp_0 in *. lra.
Qed.
Lemma exp_gt_1 : forall x, 0 < x -> 0 < exp x - 1.
Proof. intros x H. assert (exp 0 < exp x) by (apply exp_increasing; lra). rewrite exp_0 in *. lra. Qed.
Lemma exp_lt_1 : forall x, x < 0 -> 0 < 1 - exp x.
Proof. intros x H. assert (exp x < exp 0) by (apply exp_increasing; lra). rewrite exp_0 in *. lra. Qed.
Lemma ln_ge_0 : forall x, 0 <= x - 1 -> 0 <= ln x.
Proof.
  intros x H. destruct (Req_dec x 1) as [E | N]; [subst; rewrite ln_1; lra |].
  apply Rlt_le. rewrite <- ln_1. apply ln_increasing; lra.
Qed.
Lemma ln_gt_0 : forall x, 0 < x - 1 -> 0 < ln x.
Proof. intros x H. rewrite <- ln_1. apply ln_increasing; lra. Qed.
Lemma ln_le_0 : forall x, 0 < x -> 0 <= 1 - x -> 0 <= - ln x.
Proof.
  intros x P H. destruct (Req_dec x 1) as [E | N]; [subst; rewrite ln_1; lra |].
  assert (ln x < ln 1) by (apply ln_increasing; lra). rewrite ln_1 in *. lra.
Qed.
Lemma ln_lt_0 : forall x, 0 < x -> 0 < 1 - x -> 0 < - ln x.
Proof. intros x P H. assert (ln x < ln 1) by (apply ln_increasing; lra). rewrite ln_1 in *. lra. Qed.
(* From the logarithms of two positive numbers back to the numbers; for the log rule, from exponentials back. *)
Lemma le_of_ln : forall a b, 0 < a -> 0 < b -> 0 <= ln b - ln a -> a <= b.
Proof.
  intros a b A B H. apply Rnot_lt_le. intro N. assert (ln b < ln a) by (apply ln_increasing; lra). lra.
Qed.
Lemma lt_of_ln : forall a b, 0 < a -> 0 < b -> 0 < ln b - ln a -> a < b.
Proof.
  intros a b A B H. apply Rnot_le_lt. intro N.
  destruct N as [N | N]; [assert (ln b < ln a) by (apply ln_increasing; lra); lra | subst; lra].
Qed.
Lemma ge_of_exp : forall n x, 0 < n -> 0 <= exp (n * x) - 1 -> 0 <= x.
Proof.
  intros n x N H. apply Rnot_lt_le. intro L. assert (P : exp (n * x) < exp 0).
  { apply exp_increasing. assert (0 < n * (- x)) by (apply Rmult_lt_0_compat; lra). lra. }
  rewrite exp_0 in P. lra.
Qed.
Lemma gt_of_exp : forall n x, 0 < n -> 0 < exp (n * x) - 1 -> 0 < x.
Proof.
  intros n x N H. apply Rnot_le_lt. intro L. assert (P : 0 <= 1 - exp (n * x)); [| lra].
  apply exp_le_1. assert (0 <= n * (- x)) by (apply Rmult_le_pos; lra). lra.
Qed.
Lemma pow_even : forall (n : nat) x, 0 <= x ^ (2 * n).
Proof. intros. rewrite pow_mult. apply pow_le. apply pow2_ge_0. Qed.

(* From a gap back to a relation. *)
Lemma le_of_gap : forall a b, 0 <= b - a -> a <= b. Proof. intros; lra. Qed.
Lemma lt_of_gap : forall a b, 0 < b - a -> a < b. Proof. intros; lra. Qed.
Lemma nonneg_scaled : forall m p, 0 < m -> 0 <= m * p -> 0 <= p.
Proof. intros m p M H. apply (Rmult_le_reg_l m); lra. Qed.
Lemma pos_scaled : forall m p, 0 < m -> 0 < m * p -> 0 < p.
Proof. intros m p M H. apply (Rmult_lt_reg_l m); lra. Qed.

(* Signs by structure, leaves from the context. Matching is syntactic, because `apply` would unfold numerals. *)
Ltac leaf := first [ assumption | left; assumption | lra ].
Ltac pos := lazymatch goal with
  | |- 0 < ?a * ?b => first [ assumption | apply Rmult_lt_0_compat; pos ]
  | |- 0 < ?a / ?b => first [ assumption | unfold Rdiv at 1; apply Rmult_lt_0_compat; pos ]
  | |- 0 < ?a ^ ?n => first [ assumption | apply pow_lt; pos ]
  | |- 0 < / ?a => apply Rinv_0_lt_compat; pos
  | |- 0 < exp _ => apply exp_pos
  | |- 0 < ?a + ?b => first [ assumption | apply Rplus_le_lt_0_compat; [ nonneg | pos ] ]
  | |- _ => leaf
  end
with nonneg := lazymatch goal with
  | |- 0 <= ?a + ?b => first [ leaf0 | apply Rplus_le_le_0_compat; nonneg ]
  | |- 0 <= ?a * ?b => first [ leaf0 | apply Rmult_le_pos; nonneg ]
  | |- 0 <= ?a / ?b => first [ leaf0 | unfold Rdiv at 1; apply Rmult_le_pos; nonneg ]
  | |- 0 <= ?a ^ 2 => apply pow2_ge_0
  | |- 0 <= ?a ^ ?n => first [ leaf0 | apply pow_le; nonneg ]
  | |- 0 <= / ?a => apply Rlt_le; apply Rinv_0_lt_compat; pos
  | |- 0 <= exp _ => left; apply exp_pos
  | |- 0 <= sqrt _ => apply sqrt_pos
  | |- _ => leaf
  end
with leaf0 := first [ assumption | left; assumption ].

(* The side conditions of `field`: what must not vanish is a product of terms known to be positive or not 0. *)
Ltac nonzero := let Z := fresh in
  first [ assumption | apply Rgt_not_eq; assumption | intro Z; lra
        | match goal with H : ?f <> 0 |- _ => intro Z; apply H; lra end
        | apply not_eq_sym; apply Rlt_not_eq; solve [ pos ] | intro Z; nra ].
Ltac poly := first [ ring | field | lra | solve [ field; repeat split; nonzero ] ].
Ltac equal := first [ reflexivity | ring | solve [ unfold Rminus, Rdiv; ring ]
  | solve [ field; repeat split; nonzero ] | solve [ unfold Rminus; field; repeat split; nonzero ] ].

(* The glue of exported ladders. *)
Lemma opposite_le : forall a, 0 <= - a -> a <= 0. Proof. intros; lra. Qed.
Lemma opposite_lt : forall a, 0 < - a -> a < 0. Proof. intros; lra. Qed.
Ltac conj := cbv beta in *; repeat match goal with H : _ /\ _ |- _ => destruct H end.
Ltac weak := first [ assumption | left; assumption ].
Ltac given := first [ assumption | exact I | lra ].
Ltac inside := repeat split; first [ exact I | assumption | nonzero | solve [ pos ] | solve [ nonneg ] | lra | nra ].
Ltac derive tac := auto_derive; [ inside .. | ]; cbv beta; first [ tac | unfold Rminus; tac | equal ].
