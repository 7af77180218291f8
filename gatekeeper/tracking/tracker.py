"""Tracker: finds the target of the reference on every further frame."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt

from gatekeeper.config import TrackerConfig
from gatekeeper.structure import mask_to_contour
from gatekeeper.track import Track
from gatekeeper.tracking.freeform import TRANSLATION_SD_MM, free_form
from gatekeeper.tracking.search import make_search
from gatekeeper.tracking.template import Template, make_template
from kernels.deform import CORRELATION, PENALTY, fit
from kernels.polygon import centroid
from kernels.shrink import block_mean, smooth

JSI=20.; JAP=6.; VEL=1; REACH=15.0; LENGTH=25.0; SD=3.0; WORK=1.9; SMOOTH_MM=1.3; SHARE=0.985; MOST=14; NPTS=1200; IT1=6; IT0=6; BOX=8.0; SLACK=5
class Tracker:
    def __init__(self, reference, target_mask, spacing_mm, config=TrackerConfig()):
        reference=np.ascontiguousarray(reference,dtype=np.float32)
        self.spacing=spacing_mm; sp=np.asarray(spacing_mm)
        self.contour=mask_to_contour(target_mask)
        dist=distance_transform_edt(~target_mask,sampling=spacing_mm)
        lo=self.contour.min(0)*sp-REACH; hi=self.contour.max(0)*sp+REACH
        self.free=free_form(lo,hi,LENGTH,SD,SHARE,MOST)
        f0=max(1,int(round(WORK/max(spacing_mm)))); 
        px=f0*max(spacing_mm)
        share=float(np.clip(0.5*(SMOOTH_MM/px)**2,0,0.25))
        self.t0=make_template(reference,dist,spacing_mm,self.free,f0,share,REACH,NPTS)
        self.t1=make_template(reference,dist,spacing_mm,self.free,2*f0,0.0,REACH,NPTS)
        self.search=make_search(reference,self.contour.min(0)-BOX/sp,self.contour.max(0)+BOX/sp,spacing_mm,2*f0,(60.,30.))
        K=self.free.count
        self.cmodes=self.free.at(self.contour*sp)
        self.params=np.zeros(2*K,np.float32); self.trial=np.zeros(2*K,np.float32); self.last=np.zeros(2*K,np.float32); self.prev=np.zeros(2*K,np.float32)
        n=max(self.t0.points.shape[1],self.t1.points.shape[1])
        self.steps=np.zeros((2,max(2*K,8)),np.float32)
        self.out=np.zeros(5); self.window=np.zeros(6)
        self.scr0=np.zeros((3,self.t0.points.shape[1]),np.float32); self.scr1=np.zeros((3,self.t1.points.shape[1]),np.float32)
        self.w0=np.zeros(np.array(self.t0.high)-self.t0.low+1+2*SLACK,np.float32); self.s0=np.zeros_like(self.w0)
        self.w1=np.zeros(np.array(self.t1.high)-self.t1.low+1+2*SLACK,np.float32)
        self.dbg={}
    def _fit(self,image,t,buf,scr,sc,params,its):
        K=self.free.count
        dy=params[0]*TRANSLATION_SD_MM*t.row_scale; dx=params[K]*TRANSLATION_SD_MM*t.col_scale
        r0=t.low[0]-SLACK+int(round(float(dy))); c0=t.low[1]-SLACK+int(round(float(dx)))
        block_mean(image,r0*t.factor,c0*t.factor,t.factor,buf)
        if t.share>0: smooth(buf,t.share,sc,buf)
        f=t.factor; H,W=image.shape
        self.window[:]=(r0,c0,-0.5,(H-1-(f-1)/2)/f+.5,-0.5,(W-1-(f-1)/2)/f+.5)
        return fit(buf,self.window,t.points,t.modes,t.steepest,t.inverse_hessian,t.photometric,t.template_norm,t.row_scale,t.col_scale,its,0.001,params,scr,self.steps,self.out)
    def track(self,image):
        K=self.free.count
        n=self.search.run(image)
        best=math.inf
        for i in range(-1-VEL,n):
            if i==-1: self.trial[:]=self.last
            elif i==-2: self.trial[:]=self.last; self.trial[0]=2*self.last[0]-self.prev[0]; self.trial[K]=2*self.last[K]-self.prev[K]
            else:
                self.trial[:]=0
                d=self.search.displacement_mm(i)
                self.trial[0]=d[0]/TRANSLATION_SD_MM; self.trial[K]=d[1]/TRANSLATION_SD_MM
            ok=self._fit(image,self.t1,self.w1,self.scr1,None,self.trial,IT1)
            rho=self.out[1]
            e=self.t1.template_norm**2*(1/max(rho,0.05)**2-1)+self.out[4] if ok else math.inf
            dy=(self.trial[0]-self.last[0])*TRANSLATION_SD_MM; dx=(self.trial[K]-self.last[K])*TRANSLATION_SD_MM
            e*=1+(dy/JSI)**2+(dx/JAP)**2
            if e<best: best=e; self.params[:]=self.trial
        ok=self._fit(image,self.t0,self.w0,self.scr0,self.s0,self.params,IT0)
        self.prev[:]=self.last; self.last[:]=self.params
        d=np.stack([self.params[:K]@self.cmodes,self.params[K:]@self.cmodes],1)/self.spacing
        c=self.contour+d
        out=np.zeros(2); centroid(c,out)
        return Track(c,(out[0]*self.spacing[0],out[1]*self.spacing[1]),float(max(self.out[1],0)))
